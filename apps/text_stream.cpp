#include "apps/text_stream.hpp"

#include <algorithm>

#include "apps/render/table.hpp"
#include "codec/json.hpp"

namespace troupe {
namespace {

/// The line above one of several answers, `number` from 1.
std::string label(std::size_t number, std::size_t answers) {
  return "[" + std::to_string(number) + " of " + std::to_string(answers) +
         "]\n";
}

/// Its member "text"; null: it has none.
const std::string* text_of(const Json& json) {
  if (!json.is_object() || !json.contains("text")) return nullptr;
  return json["text"].get_ptr<const std::string*>();
}

}  // namespace

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
  auto piece = event.token.substr(known);
  const bool is_first = shown_.empty() && !piece.empty() && answers_ > 1;
  shown_ += piece;
  return is_first ? label(1, static_cast<std::size_t>(answers_)) + piece
                  : piece;
}

std::string TextStream::rest(const std::string& result) const {
  const auto json = parse_json(result);
  const auto* first = json ? text_of(*json) : nullptr;
  if (!first) return {};
  const auto all = json->value("choices", Json{});
  const auto answers = all.is_array() ? all.size() : 0;
  const bool goes_on = first->starts_with(shown_);
  std::string out = goes_on ? "" : "\n";
  if (answers > 1 && (shown_.empty() || !goes_on)) out += label(1, answers);
  out += (goes_on ? first->substr(shown_.size()) : *first) + "\n";
  for (std::size_t i = 1; i < answers; ++i)
    if (const auto* text = text_of(all[i]))
      out += "\n" + label(i + 1, answers) + *text + "\n";
  return out;
}

std::int64_t answers_asked(const std::string& params) {
  const auto json = parse_json(params);
  if (!json || !json->is_object() || !json->contains("n")) return 1;
  const auto& n = (*json)["n"];
  return n.is_number_integer() ? n.get<std::int64_t>() : 1;
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
