// The ledger of this node's devices behind messages: nothing loads or runs
// without a reservation here. Never touches a device itself.
#pragma once

#include <caf/actor_system.hpp>

#include <vector>

#include "actors/protocol.hpp"

namespace troupe {

struct MemoryManagerOptions {
  std::vector<DeviceInfo> devices;  // Name and memory_bytes count here.
};

MemoryManagerActor spawn_memory_manager(caf::actor_system& sys,
                                        MemoryManagerOptions options);

}  // namespace troupe
