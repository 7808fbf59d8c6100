// The only published actor. Knows a client by its certificate's fingerprint,
// gives it one session per connection and refuses everything but hello.
#pragma once

#include <caf/actor_system.hpp>
#include <caf/node_id.hpp>

#include <functional>
#include <string>

#include "actors/protocol.hpp"
#include "actors/supervisor.hpp"
#include "cluster/session.hpp"
#include "config/options.hpp"
#include "core/result.hpp"

namespace troupe::cluster {

struct GateOptions {
  /// Who is at the other end: by certificate in a node (see endpoint.hpp), by
  /// table in tests. Called in the gate's thread. Errors: denied.
  std::function<Result<Principal>(const caf::node_id&)> identify;
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
