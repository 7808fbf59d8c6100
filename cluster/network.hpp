// How this process speaks to others: mutual TLS, frame limits, heartbeats.
// Everything of CAF's configuration that has to do with the network is here.
#pragma once

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/node_id.hpp>

#include <cstdint>
#include <string>

#include "cluster/pki.hpp"
#include "core/api.hpp"

namespace troupe::cluster {

struct NetworkOptions {
  TlsFiles tls;
  /// Of one message with all around it; the connection that announces a longer
  /// one is closed. REQUIRES: above kMaxChunkBytes.
  std::uint32_t max_message_bytes = 1024 * 1024;
  std::int64_t heartbeat_ms = 5'000;
  /// A connection that is silent this long is closed.
  std::int64_t silence_ms = 30'000;
  std::uint32_t threads = 0;  // Of actors; 0: as many as there are cores.
  /// Messages are read in the network's own thread: a hop less, for processes
  /// with little to do per message.
  bool read_in_place = false;
};

/// Tells CAF of the network's own message types. Once per process, before its
/// first actor system; may be called again.
void init_network_messages();

/// REQUIRES: check_files() accepted `options.tls`, and no actor system was
/// made from `cfg` yet.
void configure_network(caf::actor_system_config& cfg,
                       const NetworkOptions& options);

/// The SHA-256 in hex of the certificate that a connected node has shown;
/// empty when it is not connected. Any thread.
std::string peer_fingerprint(caf::actor_system& sys, const caf::node_id& node);

}  // namespace troupe::cluster
