// The executor of kind `noop`: every attempt succeeds at once. For measuring
// everything around the work, and for trying a node out.
#pragma once

#include <caf/actor_system.hpp>

#include "actors/protocol.hpp"

namespace troupe {

struct InstantOptions {
  DeviceInfo device;  // Announced to the scheduler; slots: attempts at once.
  SchedulerActor scheduler;
};

ExecutorActor spawn_instant(caf::actor_system& sys, InstantOptions options);

}  // namespace troupe
