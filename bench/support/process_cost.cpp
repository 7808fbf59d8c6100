#include "bench/support/process_cost.hpp"

#include <filesystem>
#include <fstream>
#include <string>

namespace troupe::bench {

double cpu_seconds(pid_t pid) {
  // The process's own figure keeps what ended threads used; ticks of 10 ms.
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(stat)), {});
  const auto close = text.rfind(')');
  if (close == std::string::npos) return 0;
  std::size_t at = close + 2;
  double ticks = 0;
  for (int field = 3; field <= 15; ++field) {
    const auto end = text.find(' ', at);
    if (field >= 14) ticks += std::stod(text.substr(at, end - at));
    at = end + 1;
  }
  return ticks / 100.0;
}

std::uint64_t pss_bytes(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/smaps_rollup");
  std::string word;
  while (file >> word)
    if (word == "Pss:") {
      std::uint64_t kib = 0;
      file >> kib;
      return kib * 1024;
    }
  return 0;
}

}  // namespace troupe::bench
