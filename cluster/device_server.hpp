// A device process: computes what its node orders, several attempts together,
// and says what came of it. Ends with the pipe that brings the orders. Without
// actors: one thread computes, one listens, one beats.
#pragma once

#include <vector>

#include "actors/device_jobs.hpp"
#include "cluster/device_wire.hpp"

namespace troupe::cluster {

struct DeviceServerOptions {
  int orders_fd = 0;  // Borrowed, as the next.
  int says_fd = 1;
  /// Of the opened device; the node decides instruction level and threads. The
  /// calling thread computes, so the device must be its own.
  Context context;
  std::vector<const ModelFamily*> families;  // What they point to outlives it.
};

/// Until the node closes its end. Errors: unsupported (the node speaks another
/// protocol), invalid_argument (an instruction level that is not here), and
/// what is wrong with the pipes.
Status serve_device(const DeviceServerOptions& options);

}  // namespace troupe::cluster
