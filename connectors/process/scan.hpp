// Small readers for numbers, fractions and times inside a line of text. Each
// takes what it understands from the front and leaves the rest.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace troupe {

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Takes a decimal number with optional sign, point and exponent; also nan
/// and inf, which give nothing but are taken.
std::optional<double> take_number(std::string_view& text);

/// Takes digits; nothing on overflow.
std::optional<std::int64_t> take_integer(std::string_view& text);

void skip_spaces(std::string_view& text);
bool take(std::string_view& text, std::string_view word);

/// "a/b" with optional spaces around the slash.
std::optional<std::pair<std::int64_t, std::int64_t>> take_fraction(
    std::string_view& text);

/// "1:02:03", "02:03", "12.5s", "1h 2m 3s", "1 day, 0:00:01"; milliseconds.
std::optional<std::int64_t> take_duration_ms(std::string_view& text);

/// Where `word` starts in `text` as a word of its own (no letter or digit
/// before it), ASCII case ignored, at or after `from`; npos: nowhere.
std::size_t find_word(std::string_view text, std::string_view word,
                      std::size_t from = 0);

/// The number after the last `name`, an optional quote and ':', '=' or
/// spaces: "loss: 0.1", "'loss': 1e-3", "avr_loss=0.2". `name` may follow an
/// underscore.
std::optional<double> named_number(std::string_view text,
                                   std::string_view name);

}  // namespace troupe
