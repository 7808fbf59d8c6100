// UTF-8 read strictly, one character at a time: no surrogates, no overlong
// forms, nothing beyond U+10FFFF.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace troupe {

/// The character at the front of some bytes.
struct Utf8Char {
  enum class Kind : std::uint8_t {
    valid = 1,
    invalid,     // Can never become one, whatever follows.
    incomplete,  // Valid so far; more bytes must follow.
  };
  Kind kind = Kind::invalid;
  char32_t code_point = 0;  // When valid.
  /// Bytes of the character, or of the longest part that could have begun one
  /// and stands for one U+FFFD (at least 1).
  std::size_t bytes = 0;
};

/// REQUIRES: text is not empty.
Utf8Char decode_utf8(std::string_view text);

/// REQUIRES: `code_point` is a Unicode scalar value.
void append_utf8(std::string& text, char32_t code_point);

/// Errors: invalid_argument, with the first byte that is no UTF-8.
Result<std::u32string> to_code_points(std::string_view text);
std::string to_utf8(std::u32string_view text);

}  // namespace troupe
