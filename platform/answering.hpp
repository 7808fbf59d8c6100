// Whether a file system answers. One that is gone (a network mount) holds who
// looks at it for ever; who must not be held lets another thread look first.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "core/result.hpp"

namespace troupe::platform {

/// Used by one thread.
class Answering {
 public:
  explicit Answering(std::int64_t timeout_ms) : timeout_ms_{timeout_ms} {}

  /// Calls `look` on a thread of its own, which it may hold for ever: it keeps
  /// copies of all it needs. As long as a look at `name` has not come back, no
  /// other is made and the answer comes at once. Errors: unavailable.
  Status look(const std::string& name, std::function<void()> look);

 private:
  struct Look;

  const std::int64_t timeout_ms_;
  std::map<std::string, std::shared_ptr<Look>> held_;
};

}  // namespace troupe::platform
