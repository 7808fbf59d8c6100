#include "models/text/utf8.hpp"

#include <algorithm>

namespace troupe {
namespace {

// What a lead byte asks for: how many bytes follow, and in what range the
// first of them must be (Unicode, table 3-7).
struct Lead {
  std::size_t following = 0;
  unsigned char low = 0x80;
  unsigned char high = 0xbf;
};

Lead lead_of(unsigned char byte) {
  if (byte >= 0xc2 && byte <= 0xdf) return {1};
  if (byte == 0xe0) return {2, 0xa0, 0xbf};
  if (byte == 0xed) return {2, 0x80, 0x9f};
  if (byte >= 0xe1 && byte <= 0xef) return {2};
  if (byte == 0xf0) return {3, 0x90, 0xbf};
  if (byte == 0xf4) return {3, 0x80, 0x8f};
  if (byte >= 0xf1 && byte <= 0xf3) return {3};
  return {};
}

}  // namespace

Utf8Char decode_utf8(std::string_view text) {
  using Kind = Utf8Char::Kind;
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return {Kind::valid, first, 1};
  const auto lead = lead_of(first);
  if (lead.following == 0) return {Kind::invalid, 0, 1};
  char32_t code_point = first & (0x3fu >> lead.following);
  for (std::size_t i = 1; i <= lead.following; ++i) {
    if (i == text.size()) return {Kind::incomplete, 0, i};
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto low = i == 1 ? lead.low : 0x80;
    const auto high = i == 1 ? lead.high : 0xbf;
    if (byte < low || byte > high) return {Kind::invalid, 0, i};
    code_point = code_point << 6 | (byte & 0x3fu);
  }
  return {Kind::valid, code_point, lead.following + 1};
}

void append_utf8(std::string& text, char32_t c) {
  const auto tail = [&](int shift) {
    text += static_cast<char>(0x80 | (c >> shift & 0x3f));
  };
  if (c < 0x80) {
    text += static_cast<char>(c);
  } else if (c < 0x800) {
    text += static_cast<char>(0xc0 | c >> 6);
    tail(0);
  } else if (c < 0x10000) {
    text += static_cast<char>(0xe0 | c >> 12);
    tail(6);
    tail(0);
  } else {
    text += static_cast<char>(0xf0 | c >> 18);
    tail(12);
    tail(6);
    tail(0);
  }
}

Result<std::u32string> to_code_points(std::string_view text) {
  std::u32string code_points;
  code_points.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const auto next = decode_utf8(text.substr(at));
    if (next.kind != Utf8Char::Kind::valid)
      return Error{Errc::invalid_argument,
                   "the text is no UTF-8 at byte " + std::to_string(at)};
    code_points += next.code_point;
    at += next.bytes;
  }
  return code_points;
}

std::string to_utf8(std::u32string_view text) {
  std::string utf8;
  utf8.reserve(text.size());
  for (const auto c : text) append_utf8(utf8, c);
  return utf8;
}

}  // namespace troupe
