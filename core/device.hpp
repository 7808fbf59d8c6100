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
  /// Attempts at once, whatever they reserve; those that an engine computes
  /// together share one.
  std::uint32_t slots = 1;
  std::vector<std::string> kinds;  // Served by the executors behind it.
};

/// Of a process elsewhere: its name is WORKER/DEVICE.
inline bool is_of_worker(std::string_view device) {
  return device.find('/') != device.npos;
}

/// Memory of a model that all who use the model on a device share.
struct ModelPart {
  std::string model;  // With how it is loaded: its users share all of it.
  std::string name;   // "weights", "kv"
  std::uint64_t bytes = 0;
};

/// One owner's claim on a device's memory.
struct Reservation {
  Token owner;
  std::string device;
  std::uint64_t bytes = 0;          // Its own.
  std::vector<ModelPart> shared{};  // With others: counted once on a device.
};

/// Give a model back that no attempt uses any more; and, as an answer: it is
/// given back, or was not there.
struct ModelDrop {
  std::string device;
  std::string kind;  // Its executor there is the one that has it.
  std::string model;
};

/// A part that is there, used or not.
struct ResidentPart {
  std::string model;
  std::string name;
  std::uint64_t bytes = 0;
  std::uint32_t users = 0;
};

struct LedgerReport {
  std::string device;
  std::uint64_t total_bytes = 0;
  std::uint64_t reserved_bytes = 0;
  std::uint64_t peak_reserved_bytes = 0;
  std::vector<Reservation> reservations;
  std::vector<ResidentPart> parts{};
};

template <class Inspector>
bool inspect(Inspector& f, DeviceInfo& x) {
  return f.object(x).fields(f.field("name", x.name), f.field("class", x.klass),
                            f.field("memory_bytes", x.memory_bytes),
                            f.field("slots", x.slots),
                            f.field("kinds", x.kinds));
}
template <class Inspector>
bool inspect(Inspector& f, ModelPart& x) {
  return f.object(x).fields(f.field("model", x.model), f.field("name", x.name),
                            f.field("bytes", x.bytes));
}
template <class Inspector>
bool inspect(Inspector& f, Reservation& x) {
  return f.object(x).fields(
      f.field("owner", x.owner), f.field("device", x.device),
      f.field("bytes", x.bytes), f.field("shared", x.shared));
}
template <class Inspector>
bool inspect(Inspector& f, ModelDrop& x) {
  return f.object(x).fields(f.field("device", x.device),
                            f.field("kind", x.kind), f.field("model", x.model));
}
template <class Inspector>
bool inspect(Inspector& f, ResidentPart& x) {
  return f.object(x).fields(f.field("model", x.model), f.field("name", x.name),
                            f.field("bytes", x.bytes),
                            f.field("users", x.users));
}
template <class Inspector>
bool inspect(Inspector& f, LedgerReport& x) {
  return f.object(x).fields(
      f.field("device", x.device), f.field("total_bytes", x.total_bytes),
      f.field("reserved_bytes", x.reserved_bytes),
      f.field("peak_reserved_bytes", x.peak_reserved_bytes),
      f.field("reservations", x.reservations), f.field("parts", x.parts));
}

}  // namespace troupe
