#include "core/amounts.hpp"

namespace troupe {

std::string bytes_text(std::uint64_t bytes) {
  constexpr std::uint64_t kMiB = 1 << 20;
  constexpr std::uint64_t kGiB = 1 << 30;
  if (bytes < kMiB) return std::to_string(bytes) + " bytes";
  if (bytes < kGiB) return std::to_string(bytes / kMiB) + " MiB";
  constexpr std::uint64_t kTiB = 1ull << 40;
  const auto unit = bytes < kTiB ? kGiB : kTiB;
  const auto tenths = bytes % unit * 10 / unit;
  return std::to_string(bytes / unit) +
         (tenths > 0 ? "." + std::to_string(tenths) : "") +
         (unit == kGiB ? " GiB" : " TiB");
}

std::string count_of(std::uint64_t n, const char* what) {
  return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

}  // namespace troupe
