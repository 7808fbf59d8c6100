// Which devices a device program can open: what it prints when it is told to
// list them, and asking it. It runs as a process of its own, for a bounded
// time; a driver that hangs or crashes there takes nobody along.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/result.hpp"

namespace troupe::cluster {

/// How the program ends where it works and there is no device for it.
inline constexpr int kNoDeviceExit = 3;

/// One line of JSON on its standard output.
struct ListedDevice {
  std::uint32_t ordinal = 0;  // Its number in `serve ORDINAL`.
  std::string name;           // "NVIDIA H100 80GB HBM3"
  std::int32_t sm = 0;        // Compute capability, 90 = Hopper.
  std::uint64_t total_bytes = 0;
  std::uint64_t free_bytes = 0;  // When it was asked.
  std::string driver;            // The CUDA version it can do, "12.8".
};

struct DeviceListOptions {
  std::filesystem::path program;
  std::map<std::string, std::string> environment;  // All of it.
  std::int64_t limit_ms = 10'000;
};

/// What the program says of the devices it can use; at least one.
/// Errors: not_found (it works and has none: the message is its own words),
/// unsupported (it is not there, or cannot start), timeout, corrupt (it says
/// what we do not understand), device_lost (it failed or crashed).
Result<std::vector<ListedDevice>> list_devices(
    const DeviceListOptions& options);

template <class Inspector>
bool inspect(Inspector& f, ListedDevice& x) {
  return f.object(x).fields(
      f.field("ordinal", x.ordinal), f.field("name", x.name),
      f.field("sm", x.sm), f.field("total_bytes", x.total_bytes),
      f.field("free_bytes", x.free_bytes), f.field("driver", x.driver));
}

}  // namespace troupe::cluster
