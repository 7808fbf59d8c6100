// The alphabet that byte-level vocabularies are written in: one printable
// character for each of the 256 bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe {

/// Bytes that are printable in Latin-1 stand for themselves, the others for
/// U+0100 and up, in order.
char32_t letter_of_byte(std::uint8_t byte);

/// The bytes a token stands for. One with a character outside the alphabet
/// (an added token may have) stands for its own UTF-8.
std::string bytes_of_token(std::string_view token);

}  // namespace troupe
