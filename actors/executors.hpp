// Which executor serves which kind on which device, and what runs where.
// Plain bookkeeping for the scheduler's shell.
#pragma once

#include <caf/actor.hpp>
#include <caf/actor_addr.hpp>

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/executor.hpp"
#include "core/device.hpp"

namespace troupe {

/// An attempt that was handed out, or is as soon as its start is on disk.
struct HandedOut {
  Token token;
  std::string device;
  std::string kind;                // Empty: its executor has not heard of it.
  std::uint64_t own_bytes = 0;     // Reserved for it alone, and
  std::vector<ModelPart> shared;   // with others.
  std::optional<StopReason> stop;  // It is not to hear of it.
};

/// Several executors may serve one device, each its kinds; they share its
/// memory and slots.
class Executors {
 public:
  /// The device as it is now: all kinds that its executors serve.
  DeviceInfo add(const DeviceInfo& device, const caf::actor& executor);

  /// What its end leaves of each device it served: nothing where it was the
  /// last.
  std::vector<std::pair<std::string, std::optional<DeviceInfo>>> remove(
      const caf::actor_addr& executor);

  /// Null: nobody there runs that kind.
  const caf::actor* find(const std::string& device,
                         const std::string& kind) const;

  std::vector<DeviceInfo> devices() const;

 private:
  struct Device {
    DeviceInfo info;
    std::map<std::string, caf::actor> by_kind;
  };
  static DeviceInfo merged(const Device& device);

  std::map<std::string, Device> devices_;
};

}  // namespace troupe
