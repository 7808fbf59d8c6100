// One node: store, actors, executors and the open port, put together. The
// only place that knows which actors a node has.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "config/options.hpp"
#include "core/result.hpp"

namespace troupe {

struct NodeOptions {
  std::filesystem::path data;
  Config config;
  bool leaves_with_starter = false;  // See own_node.hpp.
  /// Ready, with what people may read: "listening on 127.0.0.1:4711".
  std::function<void(const std::string&)> ready;
};

/// Runs until SIGTERM or SIGINT, then stops in order: running attempts are
/// ended and go back to the queue. A signal a second later ends the process at
/// once, and so does a stop that takes 30 s longer than node.stop_grace_ms.
/// Errors: what kept it from starting (locked, corrupt, denied, ...), or the
/// child that ended again and again.
Status run_node(const NodeOptions& options);

}  // namespace troupe
