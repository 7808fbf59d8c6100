#include "apps/text_stream.hpp"

#include <algorithm>

#include "apps/render/table.hpp"
#include "codec/json.hpp"

namespace troupe {

void TextStream::begin(std::uint32_t attempt) {
  attempt_ = attempt;
  index_ = 0;
  said_ = 0;
  whole_ = true;
}

std::string TextStream::take(const LiveEvent& event) {
  if (event.attempt < attempt_) return {};
  if (event.attempt > attempt_) begin(event.attempt);
  if (!whole_ || event.type != LiveType::token ||
      event.choice.value_or(0) != 0 || event.index.value_or(0) <= index_)
    return {};
  whole_ = event.after_index.value_or(index_) == index_;
  if (!whole_) return {};
  index_ = *event.index;
  const auto known = std::min(event.token.size(), shown_.size() - said_);
  whole_ = shown_.compare(said_, known, event.token, 0, known) == 0;
  if (!whole_) return {};
  said_ += event.token.size();
  shown_ += event.token.substr(known);
  return event.token.substr(known);
}

std::string TextStream::rest(const std::string& result) const {
  const auto json = parse_json(result);
  if (!json || !json->is_object() || !json->contains("text") ||
      !(*json)["text"].is_string())
    return {};
  const auto& text = (*json)["text"].get_ref<const std::string&>();
  if (text.starts_with(shown_)) return text.substr(shown_.size()) + "\n";
  return "\n" + text + "\n";
}

std::string text_for(std::string_view text, bool on_terminal) {
  if (!on_terminal) return std::string(text);
  std::string out;
  std::string between;
  const auto flush = [&] {
    out += render::printable(between);
    between.clear();
  };
  for (const char c : text) {
    if (c != '\n' && c != '\t') {
      between += c;
      continue;
    }
    flush();
    out += c;
  }
  flush();
  return out;
}

}  // namespace troupe
