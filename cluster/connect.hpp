// The client's side of the border: finds a node, proves who it is, says hello
// and holds the session. Every step has a finite timeout.
#pragma once

#include <caf/actor_control_block.hpp>
#include <caf/actor_system.hpp>
#include <caf/error.hpp>
#include <caf/node_id.hpp>

#include <cstdint>
#include <filesystem>
#include <string>

#include "cluster/endpoint.hpp"
#include "cluster/frames.hpp"
#include "cluster/network.hpp"
#include "core/result.hpp"

namespace troupe::cluster {

/// Checks the administrator's files of this machine's data folder, so that
/// configure_network() can use them. Errors: those of check_files().
Result<TlsFiles> local_client_files(const std::filesystem::path& data,
                                    UnixMs now);

/// Opens the connection (blocking) and returns the gate. Does not say hello.
/// The node's certificate must be one of the authority's that may serve, and
/// the very one of `address.fingerprint` unless that is empty.
/// Errors: unavailable (nobody answers there; no certificate that both accept),
/// denied (another node answers), timeout.
/// REQUIRES: `sys` was made with configure_network().
Result<GateActor> connect_gate(caf::actor_system& sys,
                               const NodeAddress& address,
                               std::int64_t timeout_ms);

/// What a connection that was opened leads to, checked like connect_gate().
Result<GateActor> checked_gate(caf::actor_system& sys,
                               const NodeAddress& address,
                               const caf::node_id& node,
                               const caf::strong_actor_ptr& gate);

/// What to say where opening the connection failed with `why`; does not block,
/// so the reason is no closer than CAF knows it.
Error not_connected(const NodeAddress& address, const caf::error& why);

/// The first frame of this program.
Hello own_hello();

/// A connection that said hello. Loss is a node_down or down message to who
/// monitors the session.
struct Seat {
  SessionActor session;
  HelloReply hello;
};

/// hello for the whole process: (blocking). All of its actors may use the
/// session. Errors: those of connect_gate(), and denied, unsupported.
Result<Seat> take_seat(caf::actor_system& sys, const NodeAddress& address,
                       std::int64_t timeout_ms);

}  // namespace troupe::cluster
