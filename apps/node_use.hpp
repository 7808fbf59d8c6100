// Who still needs the node that a `troupe run` started: each `run` holds a
// share of a lock file in the data folder while it works, and such a node
// stays until nobody holds one. The kernel gives the share back, whatever the
// holder dies of.
#pragma once

#include <cstdint>
#include <filesystem>

#include "platform/fd.hpp"

namespace troupe {

class NodeUse {
 public:
  /// Nothing is held.
  NodeUse() = default;
  /// A share; waits up to `patience_ms` for a node that is just leaving. None
  /// where there is no folder or no right to write in it: then nothing can be
  /// started there either.
  static NodeUse take(const std::filesystem::path& data,
                      std::int64_t patience_ms);
  explicit operator bool() const { return static_cast<bool>(fd_); }

  /// Whether any process, this one included, holds a share.
  static bool anyone(const std::filesystem::path& data);
  /// The node's part: blocks until nobody holds a share. Then none can be had
  /// until this process has ended.
  static void outlast(const std::filesystem::path& data);

 private:
  explicit NodeUse(platform::Fd fd) : fd_{std::move(fd)} {}

  platform::Fd fd_;
};

}  // namespace troupe
