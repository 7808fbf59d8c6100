#include "core/api.hpp"

namespace troupe {

std::string_view to_string(Role role) {
  switch (role) {
    case Role::viewer:
      return "viewer";
    case Role::user:
      return "user";
    case Role::admin:
      return "admin";
    case Role::node:
      return "node";
  }
  return "unknown";
}

std::string_view to_string(ControlVerb verb) {
  switch (verb) {
    case ControlVerb::pause:
      return "pause";
    case ControlVerb::resume:
      return "resume";
    case ControlVerb::drain:
      return "drain";
  }
  return "unknown";
}

}  // namespace troupe
