#include "core/live.hpp"

namespace troupe {

std::string_view to_string(LiveType type) {
  switch (type) {
    case LiveType::progress:
      return "progress";
    case LiveType::log:
      return "log";
    case LiveType::token:
      return "token";
  }
  return "unknown";
}

}  // namespace troupe
