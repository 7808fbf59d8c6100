// An executor that runs nothing: how long an attempt takes and how it goes
// wrong is drawn from the seed. It breaks every rule an executor can break
// (silence, late ends, ends said twice, sudden death) while faults are on.
#pragma once

#include <caf/actor.hpp>

#include "actors/protocol.hpp"
#include "tests/simulation/world.hpp"

namespace troupe::simulation {

struct FakeExecutorOptions {
  World* world;  // Outlives the actor.
  DeviceInfo device;
  caf::actor scheduler;  // Later ones come by bind_atom ("scheduler").
  caf::actor hub;        // Likewise ("event_hub").
  std::int64_t heartbeat_ms = 1'000;
  /// An attempt without a fault lasts less.
  std::int64_t longest_ms = 12'000;
};

/// Understands (bind_atom, name, actor) besides its own interface and registers
/// its device with every scheduler it hears of.
caf::actor spawn_fake_executor(caf::actor_system& sys,
                               FakeExecutorOptions options);

}  // namespace troupe::simulation
