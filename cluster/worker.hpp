// A worker's side: an actor that its executors take for scheduler and event
// hub. Offers what they serve to a head, hands them what the head assigns and
// brings back what they say. Dials, and dials again when the connection is
// lost; then all that ran is ended, because the head counts it as lost. Keeps
// nothing and decides nothing.
#pragma once

#include <caf/actor_system.hpp>

#include <cstdint>
#include <functional>

#include "actors/protocol.hpp"
#include "cluster/endpoint.hpp"
#include "core/clock.hpp"
#include "core/result.hpp"

namespace troupe::cluster {

struct WorkerOptions {
  /// Where the head is; asked before each dialling, in the actor's thread.
  std::function<Result<NodeAddress>()> find;
  std::int64_t connect_timeout_ms = 10'000;
  std::int64_t backoff_ms = 50;  // Between two tries, doubling up to
  std::int64_t max_backoff_ms = 2'000;
  std::uint32_t credit = 1'024;  // Attempts taken at a time.
  std::size_t max_live = 4'096;  // Live events that wait for the wire.
  /// Told of each connection that is made (nothing) or lost (why).
  std::function<void(const Status&)> connection;
  const SteadyClock* clock = &system_steady_clock();  // Outlives the actor.
};

/// What executors say, and:
using WorkerActor = caf::typed_actor<
    // Executors: this device, these kinds, until the executor ends.
    caf::result<void>(device_atom, DeviceInfo, caf::actor),
    // Executors: attempts that ended.
    caf::result<void>(ended_atom, std::vector<AttemptEnd>),
    // Executors: these models are not there (any more).
    caf::result<void>(drop_atom, std::vector<ModelDrop>),
    // Executors: these attempts are alive.
    caf::result<void>(heartbeat_atom, std::vector<Token>),
    // Executors: progress and log lines.
    caf::result<void>(live_atom, std::vector<LiveEvent>)>;

/// Begins to dial when the first executor announced itself.
/// REQUIRES: `sys` was made with configure_network() and a node's certificate.
WorkerActor spawn_worker(caf::actor_system& sys, WorkerOptions options);

/// The worker as its executors are to see it. They may send what WorkerActor
/// understands and nothing else.
SchedulerActor as_scheduler(const WorkerActor& worker);
EventHubActor as_event_hub(const WorkerActor& worker);

}  // namespace troupe::cluster
