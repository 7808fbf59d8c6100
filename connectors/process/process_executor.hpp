// The executor of process.run jobs: commands under guards behind the same
// protocol as inference. Polls nothing and never waits for a process.
#pragma once

#include <caf/actor_system.hpp>

#include "actors/protocol.hpp"
#include "config/options.hpp"
#include "connectors/process/attempts.hpp"

namespace troupe {

struct ProcessExecutorOptions {
  DeviceInfo device;  // Announced to the scheduler.
  AttemptsOptions attempts;
  SchedulerActor scheduler;
  EventHubActor hub;
  std::int64_t heartbeat_ms = kLeaseDefaults.heartbeat_ms;
  bool own_thread = true;  // False only under a test's scheduler.
};

/// A supervised child: hears (bind_atom, "scheduler" | "event_hub", actor).
/// Told to exit, it stops every command with its grace time, reports the ends
/// and goes; killed, it kills them. Starting ends what an earlier node left
/// behind, which may take seconds. Errors: those of ProcessAttempts::create.
Result<ExecutorActor> spawn_process_executor(caf::actor_system& sys,
                                             ProcessExecutorOptions options);

}  // namespace troupe
