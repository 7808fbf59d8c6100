#include "connectors/process/utf8.hpp"

#include <algorithm>

namespace troupe {

namespace {

struct Sequence {
  std::size_t bytes = 1;  // How many belong together, valid or not.
  bool valid = false;
};

unsigned char byte_at(std::string_view text, std::size_t i) {
  return static_cast<unsigned char>(text[i]);
}

// Table 3-7 of the Unicode standard: the second byte's range depends on the
// first, which excludes overlong forms, surrogates and what is over U+10FFFF.
Sequence sequence_at(std::string_view text) {
  const auto first = byte_at(text, 0);
  if (first < 0x80) return {1, true};
  if (first < 0xC2 || first > 0xF4) return {1, false};
  const std::size_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  unsigned low = 0x80;
  unsigned high = 0xBF;
  if (first == 0xE0) low = 0xA0;
  if (first == 0xED) high = 0x9F;
  if (first == 0xF0) low = 0x90;
  if (first == 0xF4) high = 0x8F;
  for (std::size_t i = 1; i < length; ++i) {
    if (i == text.size()) return {i, false};
    const auto next = byte_at(text, i);
    if (next < low || next > high) return {i, false};
    low = 0x80;
    high = 0xBF;
  }
  return {length, true};
}

}  // namespace

std::string to_valid_utf8(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    const auto sequence = sequence_at(bytes);
    if (sequence.valid)
      text += bytes.substr(0, sequence.bytes);
    else
      text += "\uFFFD";
    bytes.remove_prefix(sequence.bytes);
  }
  return text;
}

std::string_view cut_utf8(std::string_view text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  std::size_t end = max_bytes;
  while (end > 0 && (byte_at(text, end) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

}  // namespace troupe
