// A worker's seat at the head: the executor that stands for a process
// elsewhere. What the scheduler assigns waits here until the worker has room;
// what the worker says goes on to scheduler and event hub, as far as it has
// the token for it. Ends when nothing is heard of the worker, and with its
// session; the scheduler then counts the worker's attempts as lost.
#pragma once

#include <caf/actor_addr.hpp>
#include <caf/actor_system.hpp>

#include <cstdint>
#include <string>

#include "actors/protocol.hpp"
#include "actors/supervisor.hpp"
#include "core/clock.hpp"

namespace troupe::cluster {

struct WorkerSeatOptions {
  std::string worker;  // Its certificate's name; before its devices' names.
  SchedulerActor scheduler;
  EventHubActor hub;
  caf::actor_addr session;  // With it ends the seat.
  std::int64_t heartbeat_ms = 2'000;
  std::int64_t silence_ms = 10'000;  // Below the leases of its attempts.
  const SteadyClock* clock = &system_steady_clock();  // Outlives the actor.
};

/// An executor, and:
using WorkerSeatActor = Supervised<ExecutorActor>::extend<
    // The worker's session: worker.hello and worker.exchange, answered as
    // worker_frames.hpp says.
    caf::result<Frame>(Frame)>;

WorkerSeatActor spawn_worker_seat(caf::actor_system& sys,
                                  WorkerSeatOptions options);

}  // namespace troupe::cluster
