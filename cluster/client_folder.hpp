// The data folder of a client elsewhere: the node's address, the authority and
// one client's certificate, laid out as in the node's own folder, so that all
// commands work there with --data. Holds nothing a node could run on.
#pragma once

#include <filesystem>

#include "cluster/endpoint.hpp"
#include "cluster/pki.hpp"
#include "core/result.hpp"

namespace troupe::cluster {

/// Makes `to` (0700, files 0600), whole or not at all. `address`: where the
/// client reaches the node. REQUIRES: `to` does not exist. Errors: those of
/// the file system.
Status write_client_folder(const std::filesystem::path& to,
                           const TlsFiles& client, NodeAddress address);

/// ok, or what to say of an order that needs a node's own folder
/// (invalid_argument).
Status check_node_folder(const std::filesystem::path& data);

}  // namespace troupe::cluster
