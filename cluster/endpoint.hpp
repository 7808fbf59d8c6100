// A node's open port: mutual TLS, one published actor, and the file by which a
// client on the same machine finds it.
#pragma once

#include <caf/actor_system.hpp>

#include <cstdint>
#include <filesystem>
#include <string>

#include "cluster/gate.hpp"
#include "core/result.hpp"

namespace troupe::cluster {

/// DATA/node.json: where the node of this data folder is to be found.
struct NodeAddress {
  std::string host;
  std::uint16_t port = 0;
  std::int64_t pid = 0;
  std::string store_id;
  std::string fingerprint;  // Of the node's certificate.
};

template <class Inspector>
bool inspect(Inspector& f, NodeAddress& x) {
  return f.object(x).fields(
      f.field("host", x.host), f.field("port", x.port), f.field("pid", x.pid),
      f.field("store_id", x.store_id), f.field("fingerprint", x.fingerprint));
}

std::filesystem::path node_address_file(const std::filesystem::path& data);
/// Errors: not_found (no node runs there, or none ever did), corrupt (broken,
/// or missing in a client's folder, where no start of a node writes it).
Result<NodeAddress> read_node_address(const std::filesystem::path& data);

struct EndpointOptions {
  std::filesystem::path data;
  std::string host = "127.0.0.1";  // The address to listen on.
  std::uint16_t port = 0;          // 0: any free one.
  std::string store_id;
};

/// Identifies clients by the certificates of their connections.
/// REQUIRES: `sys` was made with configure_network() and outlives the result.
Identify by_certificate(caf::actor_system& sys,
                        std::filesystem::path clients_file);

/// Whether open_endpoint() can be expected to work; says what to type when not.
/// A port that the folder's former node had is waited for a moment (blocking).
/// REQUIRES: the caller holds the folder's lock.
/// Errors: unavailable (taken), invalid_argument (not an address of this
/// machine, or a port this user may not have), io_error.
Status check_endpoint(const EndpointOptions& options);

/// Opens the port, publishes the gate and writes DATA/node.json. After a
/// restart of the gate: call it again with the port of the old endpoint, which
/// is closed first.
/// Errors: unavailable (the port cannot be had), io_error.
Result<NodeAddress> open_endpoint(caf::actor_system& sys,
                                  const EndpointOptions& options,
                                  const BoundGate& gate);

/// Closes the port and removes DATA/node.json when it is still ours.
void close_endpoint(caf::actor_system& sys, const std::filesystem::path& data,
                    const NodeAddress& address);

}  // namespace troupe::cluster
