#include "persistence/log_fragments.hpp"

#include <array>

namespace troupe::storage {
namespace {

constexpr std::size_t kRecyclableHeader = 11;

using Tables = std::array<std::array<std::uint32_t, 256>, 8>;

constexpr Tables make_tables() {
  Tables t{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit)
      crc = (crc >> 1) ^ ((crc & 1) ? 0x82f63b78u : 0);
    t[0][i] = crc;
  }
  for (std::uint32_t i = 0; i < 256; ++i)
    for (std::size_t k = 1; k < 8; ++k)
      t[k][i] = (t[k - 1][i] >> 8) ^ t[0][t[k - 1][i] & 255];
  return t;
}

constexpr Tables kTables = make_tables();

}  // namespace

std::uint32_t masked_crc32c(std::string_view bytes) {
  std::uint32_t crc = ~0u;
  const char* p = bytes.data();
  std::size_t n = bytes.size();
  for (; n >= 8; n -= 8, p += 8) {
    const auto x = little<std::uint64_t>(p) ^ crc;
    crc = 0;
    for (std::size_t k = 0; k < 8; ++k)
      crc ^= kTables[7 - k][(x >> (8 * k)) & 255];
  }
  for (; n > 0; --n, ++p)
    crc = (crc >> 8) ^ kTables[0][(crc ^ static_cast<unsigned char>(*p)) & 255];
  crc = ~crc;
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

LogFragment read_fragment(std::string_view rest, std::uint32_t number) {
  using enum LogFragment::Is;
  const auto length = little<std::uint16_t>(rest.data() + 4);
  const auto type = static_cast<unsigned char>(rest[6]);
  const bool recyclable = type >= 5 && type <= 8;
  const auto header = recyclable ? kRecyclableHeader : kFragmentHeader;
  if (type == 0 && length == 0) return {.is = empty};
  if (recyclable && (rest.size() < header ||
                     little<std::uint32_t>(rest.data() + 7) != number))
    return {.is = older};
  if (header + length > rest.size()) return {};
  const auto checked = rest.substr(6, header - 6 + length);
  if (little<std::uint32_t>(rest.data()) != masked_crc32c(checked)) return {};
  const auto size = header + length;
  if (type == 0 || type > 8) return {.is = foreign, .size = size};
  const auto place = recyclable ? type - 4 : type;
  return {.is = whole,
          .begins = place <= 2,
          .ends = place == 1 || place == 4,
          .size = size,
          .payload = rest.substr(header, length)};
}

}  // namespace troupe::storage
