#include "apps/text_stream.hpp"

#include "codec/json.hpp"

namespace troupe {

std::string TextStream::take(const LiveEvent& event) {
  if (event.type != LiveType::token || event.choice.value_or(0) != 0 ||
      event.index.value_or(0) <= index_)
    return {};
  index_ = *event.index;
  shown_ += event.token;
  return event.token;
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

}  // namespace troupe
