#include "client/connection.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

#include <chrono>
#include <condition_variable>
#include <utility>

#include "client/link.hpp"
#include "cluster/connect.hpp"
#include "cluster/messages.hpp"
#include "cluster/network.hpp"
#include "platform/process.hpp"

namespace troupe::client {
namespace {

Result<cluster::NodeAddress> find_node(const Options& options) {
  if (!options.host.empty()) {
    cluster::NodeAddress address;
    address.host = options.host;
    address.port = options.port;
    return address;
  }
  auto address = cluster::read_node_address(options.data);
  if (!address && address.error().code == Errc::not_found)
    return Error{Errc::unavailable, address.error().message};
  return address;
}

// The file of a node that was killed stays behind.
Status check_it_runs(const Options& options,
                     const cluster::NodeAddress& address) {
  if (!options.host.empty() || address.pid == 0 ||
      platform::process_info(static_cast<std::int32_t>(address.pid)))
    return ok();
  return Error{Errc::unavailable,
               "the node of " + options.data.string() + " (process " +
                   std::to_string(address.pid) +
                   ") is gone; start one with: troupe node --data " +
                   options.data.string()};
}

Result<cluster::TlsFiles> find_certificate(const Options& options) {
  const auto now = system_wall_clock().now();
  if (options.host.empty()) {
    auto files = cluster::local_client_files(options.data, now);
    if (!files && files.error().code == Errc::not_found)
      return Error{Errc::denied, files.error().message};
    return files;
  }
  cluster::TlsFiles files{options.authority, options.certificate, options.key};
  auto good = cluster::check_files(files, cluster::Purpose::client, now);
  if (good) return files;
  if (good.error().code != Errc::not_found) return good.error();
  return Error{Errc::denied, good.error().message};
}

Status check_options(const Options& options) {
  if (options.data.empty() && options.host.empty())
    return Error{Errc::invalid_argument,
                 "neither a data folder nor a host was given"};
  if (!options.host.empty() && options.port == 0)
    return Error{Errc::invalid_argument,
                 "a host without a port was given: " + options.host};
  if (options.timeout_ms <= 0 || options.connect_timeout_ms <= 0)
    return Error{Errc::invalid_argument, "timeouts must be above 0"};
  if (options.window_jobs == 0 || options.queue_jobs == 0)
    return Error{Errc::invalid_argument,
                 "window_jobs and queue_jobs must be above 0"};
  return ok();
}

// Looks for the node anew: after a restart it listens somewhere else.
Result<Seat> dial(caf::actor_system& sys, const Options& options) {
  auto address = find_node(options);
  if (!address) return address.error();
  if (auto runs = check_it_runs(options, *address); !runs) return runs.error();
  return cluster::take_seat(sys, *address, options.connect_timeout_ms);
}

}  // namespace

struct Connection::System {
  explicit System(const cluster::TlsFiles& tls) {
    cluster::NetworkOptions network;
    network.tls = tls;
    network.threads = 1;
    network.read_in_place = true;
    cluster::configure_network(config, network);
    actors.emplace(config);
  }
  caf::actor_system_config config;
  std::optional<caf::actor_system> actors;
};

Result<std::unique_ptr<Connection>> Connection::open(Options options) {
  if (auto good = check_options(options); !good) return good.error();
  auto address = find_node(options);
  if (!address) return address.error();
  auto tls = find_certificate(options);
  if (!tls) return tls.error();
  cluster::init_messages();
  auto system = std::make_unique<System>(*tls);
  auto& sys = *system->actors;
  const auto deadline =
      system_steady_clock().now() + options.connect_timeout_ms;
  auto seat = dial(sys, options);
  while (!seat && seat.error().retry_after_ms > 0) {
    const auto pause = seat.error().retry_after_ms;
    if (system_steady_clock().now() + pause >= deadline) break;
    std::this_thread::sleep_for(std::chrono::milliseconds{pause});
    seat = dial(sys, options);
  }
  if (!seat) return seat.error();
  SubmitLimits limits;
  limits.window_jobs = options.window_jobs;
  limits.queue_jobs = options.queue_jobs;
  auto link = std::make_shared<Link>(options, limits);
  spawn_link(sys, link, *std::move(seat),
             [&sys, options] { return dial(sys, options); });
  return std::unique_ptr<Connection>(
      new Connection(std::move(system), std::move(link)));
}

Connection::Connection(std::unique_ptr<System> system,
                       std::shared_ptr<Link> link)
    : system_{std::move(system)}, link_{std::move(link)} {}

Connection::~Connection() {
  TROUPE_ASSERT(!on_own_thread());
  {
    std::lock_guard lock{link_->mutex};
    link_->closing = true;
  }
  link_->wake();
  std::unique_lock lock{link_->mutex};
  link_->closed_changed.wait(lock, [this] { return link_->closed; });
  link_->actor = nullptr;
}

void Connection::call(Call call) {
  link_->post(std::move(call));
}

Status Connection::submit(const JobSpec& spec, std::int64_t timeout_ms,
                          SubmitCallback done) {
  return link_->submit(
      spec, system_steady_clock().now() + timeout_or_default(timeout_ms),
      std::move(done));
}

const Options& Connection::options() const {
  return link_->options;
}

std::int64_t Connection::timeout_or_default(std::int64_t timeout_ms) const {
  return timeout_ms > 0 ? timeout_ms : link_->options.timeout_ms;
}

bool Connection::on_own_thread() const {
  return link_->own_thread == std::this_thread::get_id();
}

Stats Connection::stats() const {
  return {link_->frames_sent, link_->frames_received, link_->submit_frames_sent,
          link_->jobs_sent, link_->reconnects};
}

}  // namespace troupe::client
