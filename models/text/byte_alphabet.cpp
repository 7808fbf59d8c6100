#include "models/text/byte_alphabet.hpp"

#include <array>
#include <optional>

#include "models/text/utf8.hpp"

namespace troupe {
namespace {

constexpr bool stands_for_itself(int byte) {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) ||
         byte >= 0xae;
}

constexpr std::array<char16_t, 256> kLetters = [] {
  std::array<char16_t, 256> letters{};
  char16_t next = 0x100;
  for (int byte = 0; byte < 256; ++byte)
    letters[static_cast<std::size_t>(byte)] =
        stands_for_itself(byte) ? static_cast<char16_t>(byte) : next++;
  return letters;
}();

constexpr char32_t kLetterEnd = 0x144;  // One past the last letter.

constexpr std::array<std::int16_t, kLetterEnd> kBytes = [] {
  std::array<std::int16_t, kLetterEnd> bytes{};
  bytes.fill(-1);
  for (std::size_t byte = 0; byte < 256; ++byte)
    bytes.at(kLetters[byte]) = static_cast<std::int16_t>(byte);
  return bytes;
}();

}  // namespace

char32_t letter_of_byte(std::uint8_t byte) {
  return kLetters[byte];
}

std::string bytes_of_token(std::string_view token) {
  std::string bytes;
  for (std::size_t at = 0; at < token.size();) {
    const auto next = decode_utf8(token.substr(at));
    if (next.kind != Utf8Char::Kind::valid || next.code_point >= kLetterEnd ||
        kBytes[next.code_point] < 0)
      return std::string(token);
    bytes += static_cast<char>(kBytes[next.code_point]);
    at += next.bytes;
  }
  return bytes;
}

}  // namespace troupe
