// What the specifications of a node's children use to name one another.
#pragma once

#include <caf/actor_cast.hpp>

#include <stdexcept>
#include <string>

#include "actors/supervisor.hpp"

namespace troupe {

/// The child of that name. Throws where it does not run.
template <class Handle>
Handle child_named(const Children& children, const std::string& name) {
  auto it = children.find(name);
  if (it == children.end()) throw std::runtime_error(name + " does not run");
  return caf::actor_cast<Handle>(it->second);
}

template <class Handle>
caf::actor any_handle(const Handle& handle) {
  return caf::actor_cast<caf::actor>(handle);
}

}  // namespace troupe
