#include "core/result.hpp"

#include <algorithm>

namespace troupe {

std::string_view to_string(Errc code) {
  switch (code) {
    case Errc::invalid_argument:
      return "invalid_argument";
    case Errc::not_found:
      return "not_found";
    case Errc::already_exists:
      return "already_exists";
    case Errc::out_of_memory:
      return "out_of_memory";
    case Errc::unavailable:
      return "unavailable";
    case Errc::cancelled:
      return "cancelled";
    case Errc::corrupt:
      return "corrupt";
    case Errc::device_lost:
      return "device_lost";
    case Errc::forgotten:
      return "forgotten";
    case Errc::disk_full:
      return "disk_full";
    case Errc::read_only:
      return "read_only";
    case Errc::io_error:
      return "io_error";
    case Errc::locked:
      return "locked";
    case Errc::denied:
      return "denied";
    case Errc::unsupported:
      return "unsupported";
    case Errc::too_large:
      return "too_large";
    case Errc::stale:
      return "stale";
    case Errc::timeout:
      return "timeout";
    case Errc::internal:
      return "internal";
  }
  return "unknown";
}

std::string faults_text(const std::vector<Fault>& faults) {
  constexpr std::size_t kTold = 8;
  std::string text;
  for (std::size_t i = 0; i < std::min(faults.size(), kTold); ++i) {
    if (i > 0) text += "; ";
    if (!faults[i].path.empty()) text += faults[i].path + " ";
    text += faults[i].message;
  }
  if (faults.size() > kTold)
    text += " (and " + std::to_string(faults.size() - kTold) + " more)";
  return text;
}

}  // namespace troupe
