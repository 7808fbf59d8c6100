#include "cluster/connect.hpp"

#include <caf/actor_cast.hpp>
#include <caf/io/middleman.hpp>
#include <caf/openssl/manager.hpp>
#include <caf/scoped_actor.hpp>

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include "actors/errors.hpp"
#include "config/host.hpp"
#include "core/build_info.hpp"
#include "core/clock.hpp"
#include "platform/reach.hpp"

namespace troupe::cluster {
namespace {

Error nobody(const NodeAddress& address, const std::string& why) {
  return {Errc::unavailable,
          "no node answers on " + address.host + ":" +
              std::to_string(address.port) + " (" + why +
              "); does it run, and does it know this certificate?",
          {},
          500};
}

/// Why, found out by asking the system: the network's own errors do not say.
Error nobody(const NodeAddress& address) {
  constexpr std::int64_t kProbeMs = 1'000;
  const auto open = platform::can_connect(address.host, address.port, kProbeMs);
  if (open)
    return nobody(address,
                  "something listens there, but the connection ended before "
                  "each had accepted the other's certificate");
  auto error = nobody(address, open.error().message);
  if (open.error().code != Errc::not_found) return error;
  // Waiting does not help, nor does the node have anything to do with it.
  const auto wrong = host_fault(address.host);
  return {Errc::unavailable,
          "no node answers on " + address.host + ":" +
              std::to_string(address.port) + ": " +
              (wrong.empty() ? "the name '" + address.host +
                                   "' is not known on this machine; is it "
                                   "spelt right? Where the node is reached "
                                   "from here is said by: troupe clients add "
                                   "NAME --to DIR --host HOST --port PORT"
                             : wrong + "; make the folder anew with: troupe "
                                       "clients add NAME --to DIR --host HOST "
                                       "--port PORT")};
}

// A node that is just leaving takes the question along: nothing tells that the
// answer will not come, so it is asked for again.
constexpr std::int64_t kHelloMs = 2'000;

Result<Seat> say_hello(caf::actor_system& sys, const GateActor& gate,
                       std::int64_t timeout_ms) {
  caf::scoped_actor self{sys};
  Result<Seat> result = Error{Errc::internal, "no answer"};
  self->request(gate, std::chrono::milliseconds{timeout_ms},
                request_frame(own_hello()))
      .receive(
          [&](const Frame& frame) {
            auto reply = read_reply<Hello>(frame);
            if (!reply)
              result = reply.error();
            else
              result =
                  Seat{caf::actor_cast<SessionActor>(self->current_sender()),
                       *std::move(reply)};
          },
          [&](const caf::error& e) { result = from_caf(e); });
  return result;
}

}  // namespace

Error not_connected(const NodeAddress& address, const caf::error& why) {
  if (why != caf::sec::request_timeout)
    return nobody(address, from_caf(why).message);
  return {Errc::timeout, "no answer from " + address.host + ":" +
                             std::to_string(address.port) + " in time"};
}

Hello own_hello() {
  Hello hello;
  hello.build = "troupe " + std::string(build_version()) + " (" +
                std::string(build_commit()) + ")";
  return hello;
}

Result<GateActor> checked_gate(caf::actor_system& sys,
                               const NodeAddress& address,
                               const caf::node_id& node,
                               const caf::strong_actor_ptr& gate) {
  if (!gate) return nobody(address, "nothing is published there");
  const auto seen = peer_fingerprint(sys, node);
  if (seen.empty()) return nobody(address, "the connection ended at once");
  if (!address.fingerprint.empty() && seen != address.fingerprint)
    return Error{Errc::denied,
                 "another node than expected answers on " + address.host + ":" +
                     std::to_string(address.port) + " (its certificate is " +
                     seen.substr(0, 16) + ")"};
  return caf::actor_cast<GateActor>(gate);
}

Result<TlsFiles> local_client_files(const std::filesystem::path& data,
                                    UnixMs now) {
  if (auto good = check_admin_identity(data, now); !good) return good.error();
  return admin_files(data);
}

Result<GateActor> connect_gate(caf::actor_system& sys,
                               const NodeAddress& address,
                               std::int64_t timeout_ms) {
  caf::scoped_actor self{sys};
  Result<GateActor> result = Error{Errc::internal, "no answer"};
  self->request(sys.openssl_manager().actor_handle(),
                std::chrono::milliseconds{timeout_ms}, caf::connect_atom_v,
                address.host, address.port)
      .receive(
          [&](const caf::node_id& node, const caf::strong_actor_ptr& gate,
              const std::set<std::string>&) {
            result = checked_gate(sys, address, node, gate);
          },
          [&](const caf::error& e) {
            result = e == caf::sec::request_timeout
                         ? Error{Errc::timeout,
                                 "no answer from " + address.host + ":" +
                                     std::to_string(address.port) + " within " +
                                     std::to_string(timeout_ms) + " ms"}
                         : nobody(address);
          });
  return result;
}

Result<Seat> take_seat(caf::actor_system& sys, const NodeAddress& address,
                       std::int64_t timeout_ms) {
  const auto deadline = system_steady_clock().now() + timeout_ms;
  for (;;) {
    const auto left = deadline - system_steady_clock().now();
    auto gate = connect_gate(sys, address, std::max<std::int64_t>(left, 1));
    if (!gate) return gate.error();
    auto seat = say_hello(sys, *gate, std::min(left, kHelloMs));
    if (seat || seat.error().code != Errc::timeout || left <= kHelloMs)
      return seat;
  }
}

}  // namespace troupe::cluster
