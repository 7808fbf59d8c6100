#include "cluster/endpoint.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <caf/actor_cast.hpp>
#include <caf/io/middleman.hpp>
#include <caf/openssl/publish.hpp>

#include <chrono>
#include <memory>
#include <thread>
#include <utility>

#include "actors/errors.hpp"
#include "cluster/network.hpp"
#include "cluster/pki.hpp"
#include "codec/json.hpp"
#include "platform/file.hpp"
#include "platform/listen.hpp"

namespace troupe::cluster {
namespace {

/// Each connection is a descriptor; the usual soft limit of 1,024 is less
/// than what a careless script opens.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

Status write_address(const std::filesystem::path& data,
                     const NodeAddress& address) {
  return platform::write_file_atomically(
      node_address_file(data), dump_json(to_json(address)) + "\n", 0600);
}

std::string what_to_do(Errc code, const std::string& port) {
  switch (code) {
    case Errc::unavailable:
      return "see who has the port: ss -ltnp 'sport = :" + port +
             "', or take any free one: troupe node --port 0";
    case Errc::denied:
      return "ports below 1024 are root's: take a higher one, such as troupe "
             "node --port 7000";
    case Errc::invalid_argument:
      return "this machine's addresses are listed by: ip -brief address; to "
             "serve this machine alone type troupe node --listen 127.0.0.1, "
             "to serve others too --listen 0.0.0.0";
    default:
      return "try another address or port: troupe node --listen ADDRESS --port "
             "NUMBER";
  }
}

Error cannot_listen(const EndpointOptions& options, const Error& reason) {
  const auto port = std::to_string(options.port);
  // That this user may not have the port is a mistake of who asked for it.
  const auto code =
      reason.code == Errc::denied ? Errc::invalid_argument : reason.code;
  return {code, "cannot listen on " + options.host + ":" + port + ": " +
                    reason.message + "; " + what_to_do(reason.code, port)};
}

}  // namespace

std::filesystem::path node_address_file(const std::filesystem::path& data) {
  return data / "node.json";
}

Result<NodeAddress> read_node_address(const std::filesystem::path& data) {
  const auto file = node_address_file(data);
  auto text = platform::read_file(file, 64 * 1024);
  if (!text) {
    if (text.error().code == Errc::not_found && is_client_folder(data))
      return Error{Errc::corrupt, file.string() +
                                      " is missing, which says where the node "
                                      "is; " +
                                      how_to_renew()};
    if (text.error().code == Errc::not_found)
      return Error{Errc::not_found, "no node runs on " + data.string() +
                                        "; start one with: troupe node "
                                        "--data " +
                                        data.string()};
    return text.error();
  }
  auto json = parse_json(*text);
  auto address =
      json ? from_json<NodeAddress>(*json) : Result<NodeAddress>{json.error()};
  if (!address || address->port == 0)
    return Error{
        Errc::corrupt,
        file.string() + " is broken; " +
            (is_client_folder(data) ? how_to_renew()
                                    : "restart the node to write it again")};
  return address;
}

Identify by_certificate(caf::actor_system& sys,
                        std::filesystem::path clients_file) {
  // Shared by both, and with the copies that std::function makes of them.
  auto registry = std::make_shared<ClientRegistry>(std::move(clients_file));
  Identify identify;
  identify.find = [&sys,
                   registry](const caf::node_id& node) -> Result<Principal> {
    const auto fingerprint = peer_fingerprint(sys, node);
    if (fingerprint.empty())
      return Error{Errc::denied, "this connection shows no certificate"};
    return registry->find(fingerprint);
  };
  identify.changed = [registry] { return registry->changed(); };
  return identify;
}

Status check_endpoint(const EndpointOptions& options) {
  // A process gives up its folder's lock before its port: a few milliseconds.
  constexpr int kWaitMs = 20;
  constexpr int kMaxWaitMs = 2'000;
  const auto former = read_node_address(options.data);
  const bool was_ours = former && former->port == options.port;
  for (int waited_ms = 0;; waited_ms += kWaitMs) {
    auto free = platform::can_listen(options.host, options.port);
    if (free || free.error().code != Errc::unavailable || !was_ours ||
        waited_ms >= kMaxWaitMs)
      return free ? free : cannot_listen(options, free.error());
    std::this_thread::sleep_for(std::chrono::milliseconds{kWaitMs});
  }
}

Result<NodeAddress> open_endpoint(caf::actor_system& sys,
                                  const EndpointOptions& options,
                                  const BoundGate& gate) {
  raise_descriptor_limit();
  NodeAddress address{
      options.host, options.port, ::getpid(), options.store_id, {}};
  auto pem = platform::read_file(node_files(options.data).certificate);
  if (!pem) return pem.error();
  auto print = fingerprint(*pem);
  if (!print) return print.error();
  address.fingerprint = *print;
  if (options.port != 0) sys.middleman().close(options.port);
  auto port = caf::openssl::publish(
      sys, caf::actor_cast<caf::strong_actor_ptr>(gate),
      sys.message_types<GateActor>(), options.port, options.host.c_str(), true);
  if (!port) {
    const auto why = platform::can_listen(options.host, options.port);
    return cannot_listen(
        options, {Errc::unavailable, why ? "the port was taken a moment ago"
                                         : why.error().message});
  }
  address.port = *port;
  if (auto done = write_address(options.data, address); !done) {
    sys.middleman().close(*port);
    return done.error();
  }
  return address;
}

void close_endpoint(caf::actor_system& sys, const std::filesystem::path& data,
                    const NodeAddress& address) {
  sys.middleman().close(address.port);
  auto found = read_node_address(data);
  if (!found || found->pid != address.pid || found->port != address.port)
    return;
  std::error_code ignored;
  std::filesystem::remove(node_address_file(data), ignored);
}

}  // namespace troupe::cluster
