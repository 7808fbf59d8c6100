#include "bench/jobs/load.hpp"

#include <random>

namespace troupe::bench {

std::vector<std::string> payloads(int count) {
  constexpr std::string_view kChars =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
      "!#$%&()*,-.:;<=>?@[]^_`{|}~";
  std::mt19937_64 random{42};
  std::uniform_int_distribution<std::size_t> pick{0, kChars.size() - 1};
  std::vector<std::string> out(static_cast<std::size_t>(count));
  for (auto& text : out) {
    text.resize(200);
    for (auto& c : text) c = kChars[pick(random)];
  }
  return out;
}

}  // namespace troupe::bench
