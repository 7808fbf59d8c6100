// Devices and what the ledger knows of them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/job.hpp"

namespace troupe {

/// A GPU, or the CPU of a machine used as one. Names are unique in a cluster.
struct DeviceInfo {
  std::string name;   // "cpu", later "node2/gpu0".
  std::string klass;  // Devices of one class are interchangeable: "cpu".
  std::uint64_t memory_bytes = 0;  // What may be reserved.
  std::uint32_t slots = 1;         // Attempts at once, whatever they reserve.
  std::vector<std::string> kinds;  // Served by the executors behind it.
};

/// Of a process elsewhere: its name is WORKER/DEVICE.
inline bool is_of_worker(std::string_view device) {
  return device.find('/') != device.npos;
}

/// One owner's claim on a device's memory.
struct Reservation {
  Token owner;
  std::string device;
  std::uint64_t bytes = 0;
};

struct LedgerReport {
  std::string device;
  std::uint64_t total_bytes = 0;
  std::uint64_t reserved_bytes = 0;
  std::uint64_t peak_reserved_bytes = 0;
  std::vector<Reservation> reservations;
};

template <class Inspector>
bool inspect(Inspector& f, DeviceInfo& x) {
  return f.object(x).fields(f.field("name", x.name), f.field("class", x.klass),
                            f.field("memory_bytes", x.memory_bytes),
                            f.field("slots", x.slots),
                            f.field("kinds", x.kinds));
}
template <class Inspector>
bool inspect(Inspector& f, Reservation& x) {
  return f.object(x).fields(f.field("owner", x.owner),
                            f.field("device", x.device),
                            f.field("bytes", x.bytes));
}
template <class Inspector>
bool inspect(Inspector& f, LedgerReport& x) {
  return f.object(x).fields(
      f.field("device", x.device), f.field("total_bytes", x.total_bytes),
      f.field("reserved_bytes", x.reserved_bytes),
      f.field("peak_reserved_bytes", x.peak_reserved_bytes),
      f.field("reservations", x.reservations));
}

}  // namespace troupe
