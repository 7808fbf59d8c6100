#include "models/text/answer_text.hpp"

#include <algorithm>

namespace troupe {
namespace {

// How many bytes at the end of `text` begin `stop`, without being all of it.
std::size_t begun(std::string_view text, std::string_view stop) {
  for (auto bytes = std::min(text.size(), stop.size() - 1); bytes > 0; --bytes)
    if (text.ends_with(stop.substr(0, bytes))) return bytes;
  return 0;
}

}  // namespace

std::string AnswerText::say(std::size_t bytes) {
  auto piece = held_.substr(0, bytes);
  held_.erase(0, bytes);
  text_ += piece;
  return piece;
}

std::string AnswerText::push(TokenId id) {
  TROUPE_ASSERT(!stopped_);
  held_ += detokenizer_.push(id);
  auto end = std::string::npos;
  std::size_t hold = 0;
  for (const auto& stop : stops_) {
    end = std::min(end, held_.find(stop));
    hold = std::max(hold, begun(held_, stop));
  }
  if (end == std::string::npos) return say(held_.size() - hold);
  stopped_ = true;
  return say(end);
}

std::string AnswerText::finish() {
  if (stopped_) return {};
  held_ += detokenizer_.finish();
  return say(held_.size());
}

}  // namespace troupe
