#include "models/text/detokenizer.hpp"

#include <string_view>
#include <utility>

#include "models/text/utf8.hpp"

namespace troupe {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

}  // namespace

std::string Detokenizer::push(TokenId id) {
  if (special_ == SpecialTokens::skip && tokenizer_->is_special(id)) return {};
  const auto bytes =
      std::exchange(held_, {}) + std::string(tokenizer_->bytes_of(id));
  std::string text;
  for (std::size_t at = 0; at < bytes.size();) {
    const auto next = decode_utf8(std::string_view{bytes}.substr(at));
    if (next.kind == Utf8Char::Kind::incomplete) {
      held_ = bytes.substr(at);
      break;
    }
    if (next.kind == Utf8Char::Kind::valid)
      text.append(bytes, at, next.bytes);
    else
      text += kReplacement;
    at += next.bytes;
  }
  return text;
}

std::string Detokenizer::finish() {
  return std::exchange(held_, {}).empty() ? "" : std::string(kReplacement);
}

}  // namespace troupe
