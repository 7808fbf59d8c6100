// A peer that speaks TLS and CAF's wire format by hand, so that it can say
// what no honest peer says. Every read has a deadline.
#pragma once

#include <caf/actor_system.hpp>
#include <caf/message.hpp>
#include <caf/node_id.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "actors/protocol.hpp"
#include "cluster/pki.hpp"
#include "platform/fd.hpp"

namespace troupe::cluster {

/// CAF's message types on the wire.
enum class Wire : std::uint8_t {
  server_handshake = 0,
  client_handshake,
  direct_message,
  routed_message,
  monitor_message,
  down_message,
  heartbeat,
};

struct WireHeader {
  Wire type = Wire::heartbeat;
  std::uint8_t flags = 0;
  std::uint32_t payload_bytes = 0;
  std::uint64_t data = 0;  // The message's id.
  std::uint64_t from = 0;
  std::uint64_t to = 0;
};

std::string to_wire(const WireHeader& header);
/// A header with the right length, and the payload behind it.
std::string to_wire(WireHeader header, std::string_view payload);
std::string to_wire(const caf::node_id& node);
/// A message for one actor that holds one frame.
std::string to_wire(const Frame& frame);
/// Any message for one actor.
std::string to_wire(const caf::message& message);
/// An actor's handle as it stands in messages.
std::string actor_on_wire(std::uint64_t actor, const caf::node_id& node);
std::string varint(std::uint32_t x);

/// A TCP connection to the node of this port; blocking, with deadlines.
platform::Fd connect_tcp(std::uint16_t port);

enum class TlsVersions { all, only_1_2 };

class RawPeer {
 public:
  /// Connects and shakes hands over TLS. Without files: shows no certificate.
  RawPeer(std::uint16_t port, const std::optional<TlsFiles>& files,
          TlsVersions versions = TlsVersions::all);
  ~RawPeer();

  /// Reads the node's handshake and answers with this name for oneself.
  /// False when the node closes instead.
  bool introduce_as(const caf::node_id& self);

  bool send(std::string_view bytes);
  /// Empty when the connection ends before or nothing comes for ten seconds.
  std::string read(std::size_t bytes);
  /// One message: the payload behind its header. Heartbeats are skipped.
  std::optional<WireHeader> next(std::string& payload);
  /// True once the node has closed; reads what comes until then, for ten
  /// seconds at most.
  bool closed_by_node();

  const caf::node_id& node() const { return node_; }
  std::uint64_t gate() const { return gate_; }

 private:
  struct Tls;
  platform::Fd socket_;
  std::unique_ptr<Tls> tls_;
  caf::node_id node_;
  std::uint64_t gate_ = 0;
};

}  // namespace troupe::cluster
