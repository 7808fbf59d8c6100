#include "core/id.hpp"

#include <array>

namespace troupe {
namespace {

constexpr std::string_view kDigits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr int kLength = 26;

int digit_value(char c) {
  if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  auto at = kDigits.find(c);
  return at == kDigits.npos ? -1 : static_cast<int>(at);
}

}  // namespace

std::string to_string(JobId id) {
  std::string text(kLength, '0');
  for (int i = kLength - 1; i >= 0; --i) {
    text[static_cast<std::size_t>(i)] = kDigits[id.lo & 31];
    id.lo = id.lo >> 5 | id.hi << 59;
    id.hi >>= 5;
  }
  return text;
}

std::optional<JobId> parse_job_id(std::string_view text) {
  // 26 digits hold 130 bits: the first may use only three of its five.
  if (text.size() != kLength || digit_value(text[0]) > 7) return std::nullopt;
  JobId id;
  for (char c : text) {
    const int v = digit_value(c);
    if (v < 0) return std::nullopt;
    id.hi = id.hi << 5 | id.lo >> 59;
    id.lo = id.lo << 5 | static_cast<std::uint64_t>(v);
  }
  return id;
}

JobId JobIdGenerator::next() {
  const auto ms = static_cast<std::uint64_t>(clock_.now());
  JobId id{ms << 16 | (random_.next() & 0xffff), random_.next()};
  // The next one after the last keeps the order when the clock stands still
  // or steps back; a carry into the time part moves it on by a millisecond.
  if (id.hi >> 16 <= last_.hi >> 16) {
    id = {last_.hi, last_.lo + 1};
    if (id.lo == 0) ++id.hi;
  }
  return last_ = id;
}

}  // namespace troupe
