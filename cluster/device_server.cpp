#include "cluster/device_server.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <iostream>
#include <mutex>
#include <thread>
#include <utility>

#include "actors/shown_progress.hpp"
#include "codec/msgpack.hpp"
#include "core/clock.hpp"

namespace troupe::cluster {
namespace {

ModelPlaces places(const DeviceSetup& setup) {
  return {{setup.models_dirs.begin(), setup.models_dirs.end()}};
}

class DeviceServer {
 public:
  DeviceServer(const DeviceServerOptions& options, const DeviceSetup& setup,
               Context& ctx)
      : options_{options},
        setup_{setup},
        jobs_{ctx, options.families, places(setup)} {
    ctx.stop = &stop_;
  }

  void run() {
    std::thread listening{[this] { listen(); }};
    std::thread beating{[this] { beat(); }};
    while (work()) continue;
    beating.join();
    listening.join();
  }

 private:
  // -- the thread that listens ------------------------------------------------

  void listen() {
    for (;;) {
      auto packet = read_packet(options_.orders_fd, -1);
      auto orders = packet ? from_msgpack<DeviceOrders>(*packet)
                           : Result<DeviceOrders>{packet.error()};
      if (!orders) return close();
      const std::lock_guard lock{mutex_};
      // The step at hand ends after its op: there is something to stop.
      if (!orders->stops.empty()) stop_ = true;
      orders_.push_back(*std::move(orders));
      changed_.notify_all();
    }
  }

  void close() {
    const std::lock_guard lock{mutex_};
    closed_ = stop_ = true;
    changed_.notify_all();
  }

  // -- the thread that beats --------------------------------------------------

  void beat() {
    const auto period = std::chrono::milliseconds{
        std::max<std::int64_t>(setup_.heartbeat_ms, 1)};
    std::unique_lock lock{mutex_};
    while (!changed_.wait_for(lock, period, [this] { return closed_; })) {
      DeviceSays beat{.alive = tokens_, .steps = steps_};
      if (step_began_ms_ != 0)
        beat.step_ms = system_steady_clock().now() - step_began_ms_;
      lock.unlock();
      say(beat);
      lock.lock();
    }
  }

  // -- the thread that computes -----------------------------------------------

  std::vector<DeviceOrders> take_orders() {
    const auto called = [this] { return closed_ || !orders_.empty(); };
    std::unique_lock lock{mutex_};
    if (!jobs_.has_step()) changed_.wait(lock, called);
    stop_ = closed_;
    return std::exchange(orders_, {});
  }

  bool work() {
    auto orders = take_orders();
    DeviceNews news;
    for (auto& order : orders) {
      for (const auto& stop : order.stops) jobs_.stop(stop, news);
      for (const auto& drop : order.drops) jobs_.drop(drop, news);
      for (auto& start : order.starts) jobs_.assign(std::move(start), news);
    }
    note(jobs_.has_step());
    if (jobs_.has_step()) jobs_.step(news);
    note(false);
    tell(std::move(news));
    const std::lock_guard lock{mutex_};
    return !closed_;
  }

  // What the beats say.
  void note(bool begins) {
    const std::lock_guard lock{mutex_};
    tokens_ = jobs_.tokens();
    if (step_began_ms_ != 0) ++steps_;
    step_began_ms_ = begins ? system_steady_clock().now() : 0;
  }

  void tell(DeviceNews news) {
    // Standard error is the node's.
    for (const auto& remark : news.remarks)
      std::cerr << "troupe-device: " + remark + "\n";
    DeviceSays says{.notes = std::move(news.notes),
                    .ended = std::move(news.ends),
                    .dropped = std::move(news.dropped)};
    const auto now = system_wall_clock().now();
    for (auto& event : news.live) {
      event.time_ms = now;
      if (progress_.take(event)) says.live.push_back(std::move(event));
    }
    for (const auto& end : says.ended) progress_.forget(end.token.job);
    if (!says.notes.empty() || !says.ended.empty() || !says.dropped.empty() ||
        !says.live.empty())
      say(says);
  }

  void say(const DeviceSays& says) {
    const auto bytes = to_msgpack(says);
    const std::lock_guard lock{writing_};
    if (!write_packet(options_.says_fd, bytes)) close();
  }

  const DeviceServerOptions& options_;
  const DeviceSetup& setup_;
  DeviceJobs jobs_;  // Only for the thread that computes.
  ShownProgress progress_{setup_.live_interval_ms};
  std::atomic<bool> stop_{false};
  std::mutex writing_;

  std::mutex mutex_;  // Guards what follows.
  std::condition_variable changed_;
  std::vector<DeviceOrders> orders_;
  std::vector<Token> tokens_;
  std::uint64_t steps_ = 0;
  SteadyMs step_began_ms_ = 0;  // 0: none is under way.
  bool closed_ = false;
};

}  // namespace

Status serve_device(const DeviceServerOptions& options) {
  auto first = read_packet(options.orders_fd, -1);
  if (!first) return first.error();
  const auto setup = from_msgpack<DeviceSetup>(*first);
  if (!setup) return setup.error();
  if (setup->protocol != kDeviceProtocol)
    return Error{Errc::unsupported,
                 "the node speaks protocol " + std::to_string(setup->protocol) +
                     ", this device program " +
                     std::to_string(kDeviceProtocol) + ": install one package"};
  Context ctx = options.context;
  ctx.isa = best_isa_level();
  if (!setup->isa.empty()) {
    const auto named = isa_level_named(setup->isa);
    if (!named) return named.error();
    ctx.isa = *named;
  }
  const auto threads =
      setup->threads > 0 ? setup->threads : std::thread::hardware_concurrency();
  ThreadTeam team{std::clamp(static_cast<int>(threads), 1, kMaxTeamThreads)};
  ctx.team = &team;
  if (auto said = write_packet(options.says_fd, to_msgpack(DeviceSays{}));
      !said)
    return said;
  DeviceServer{options, *setup, ctx}.run();
  return ok();
}

}  // namespace troupe::cluster
