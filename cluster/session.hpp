// A client's seat at the border: one per connection. Turns frames into messages
// for the node's actors and their answers into frames; stamps who asks, checks
// role, size and window. Refuses whatever does not come from its own client. A
// node's session has a worker seat behind it (worker_seat.hpp).
#pragma once

#include <caf/actor_addr.hpp>
#include <caf/actor_system.hpp>
#include <caf/node_id.hpp>

#include <algorithm>
#include <cstdint>
#include <string>

#include "actors/protocol.hpp"
#include "actors/supervisor.hpp"
#include "config/options.hpp"
#include "core/api.hpp"

namespace troupe::cluster {

/// How long a worker may be silent. A device must go before the leases of its
/// attempts end, each renewed up to a heartbeat before the worker's last word:
/// then they go with it, use no retry and do not come back to it.
constexpr std::int64_t silence_limit_ms(const LeaseConfig& lease) {
  return std::min(lease.duration_ms / 3 * 2,
                  lease.duration_ms - lease.heartbeat_ms);
}

struct SessionLimits {
  /// Requests unanswered at a time, and submits among them, counted in jobs.
  std::uint32_t window_frames =
      static_cast<std::uint32_t>(kWireDefaults.window_requests);
  std::uint32_t window_jobs =
      static_cast<std::uint32_t>(kWireDefaults.window_jobs);
  std::uint32_t window_pulls = 16;   // Followers that wait.
  std::int64_t retry_after_ms = 20;  // The hint beyond the window.
  std::int64_t request_timeout_ms = kWireDefaults.request_timeout_ms;
  std::int64_t backup_timeout_ms = 600'000;
  std::int64_t max_wait_ms = kEventDefaults.max_wait_ms;  // Of one pull.
  std::uint32_t max_events = 4'096;                       // Of one pull.
  // Asked of workers, and when they are given up; see set_lease().
  std::int64_t worker_heartbeat_ms = kLeaseDefaults.heartbeat_ms;
  std::int64_t worker_silence_ms = silence_limit_ms(kLeaseDefaults);
};

/// Sets what follows from how long the scheduler's leases last.
void set_lease(SessionLimits& limits, const LeaseConfig& lease);

struct SessionOptions {
  caf::node_id client;  // The only node it listens to.
  Principal principal;
  NodeHandles handles;
  SessionLimits limits;
  caf::actor_addr gate;  // With it ends the session.
  std::string node;      // These three are for the answer to hello.
  std::string build;
  std::string store_id;
};

/// The supervisor's bind messages reach a session through the gate.
using BoundSession = Supervised<SessionActor>;

/// Ends when the client's node or the gate is gone. An exit message with an
/// Error for its reason ends it too: the requests that are open are answered
/// so.
BoundSession spawn_session(caf::actor_system& sys, SessionOptions options);

/// Puts a restarted child in its place. Unknown names are ignored.
void rebind(NodeHandles& handles, const std::string& child,
            const caf::actor& handle);

}  // namespace troupe::cluster
