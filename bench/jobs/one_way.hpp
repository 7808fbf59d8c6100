// The wire's limit for events: frames sent one way, server to client, one
// event each, as CAF sends them over mutual TLS.
#pragma once

#include <filesystem>

namespace troupe::bench {

/// The server's process: publishes the source with the node's certificate of
/// this data folder, prints its port, and serves until it is killed.
int run_one_way_source(const std::filesystem::path& data);

/// Frames of `bytes` per second at a client in this process, the source in
/// another. `data`: a data folder with certificates.
/// Errors: std::runtime_error.
double one_way_frames(const std::filesystem::path& data, int count, int bytes);

}  // namespace troupe::bench
