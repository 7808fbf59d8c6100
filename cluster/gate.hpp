// The only published actor. Knows a client by its certificate's fingerprint,
// gives it one session per connection and refuses everything but hello. Ends
// the session of a client that is known no more.
#pragma once

#include <caf/actor_system.hpp>
#include <caf/node_id.hpp>

#include <cstdint>
#include <functional>
#include <string>

#include "actors/protocol.hpp"
#include "actors/supervisor.hpp"
#include "cluster/session.hpp"
#include "config/options.hpp"
#include "core/result.hpp"

namespace troupe::cluster {

/// By certificate in a node (see endpoint.hpp), by table in tests. Called in
/// the gate's thread.
struct Identify {
  /// Who is at the other end. Errors: denied, and those of what is looked up.
  std::function<Result<Principal>(const caf::node_id&)> find;
  /// Whether `find` may answer otherwise than when this was last asked. Null:
  /// it never does.
  std::function<bool()> changed;
};

struct GateOptions {
  Identify identify;
  /// Between two looks whether those that are connected are still known.
  std::int64_t look_again_ms = 1'000;
  NodeHandles handles;
  SessionLimits limits;
  std::uint32_t max_sessions =
      static_cast<std::uint32_t>(kWireDefaults.max_sessions);
  std::string node;
  std::string build;
  std::string store_id;
};

using BoundGate = Supervised<GateActor>;

BoundGate spawn_gate(caf::actor_system& sys, GateOptions options);

}  // namespace troupe::cluster
