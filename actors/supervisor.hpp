// Starts a node's actors in order, restarts the one that ended (one_for_one),
// tells the others where it lives now, and stops all in reverse order. Does
// not hide a crash loop: it ends itself with the child's name and reason.
#pragma once

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>
#include <caf/typed_actor.hpp>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "actors/protocol.hpp"
#include "actors/restart_policy.hpp"

namespace troupe {

/// The children that run now, by name.
using Children = std::map<std::string, caf::actor>;

struct ChildSpec {
  std::string name;
  /// Called in the supervisor's thread, first and at each restart; the
  /// children listed before this one run by then. May throw: counts as an
  /// exit of the child.
  std::function<caf::actor(const Children&)> start;
  /// Children whose handles it holds: it hears (bind_atom, name, actor) when
  /// one of them was restarted.
  std::vector<std::string> uses;
  SteadyMs stop_grace_ms = 10'000;  // Between the exit message and the kill.
};

struct SupervisorOptions {
  std::vector<ChildSpec> children;  // In start order.
  RestartLimits limits;
  const SteadyClock* clock = &system_steady_clock();  // Outlives the actor.
  /// A line for people when a child ends, or does not start, for a reason that
  /// its last end did not have; may be empty.
  std::function<void(const std::string&)> tell = {};
};

/// Ends by itself with an exit reason other than user_shutdown when a child's
/// restarts exceed their limit (escalation).
using SupervisorActor = caf::typed_actor<
    // Whoever runs the node: answered when every child runs.
    caf::result<void>(barrier_atom),
    // Doctor and console.
    caf::result<std::vector<ChildStatus>>(status_atom),
    // Whoever runs the node: all children ended, last one first.
    caf::result<void>(stop_atom)>;

/// What every supervised child that uses others understands besides its own
/// interface.
template <class Public>
using Supervised = typename Public::template extend<caf::result<void>(
    bind_atom, std::string, caf::actor)>;

SupervisorActor spawn_supervisor(caf::actor_system& sys,
                                 SupervisorOptions options);

}  // namespace troupe
