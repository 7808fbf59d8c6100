#include "cluster/worker_seat.hpp"

#include <caf/actor_cast.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <algorithm>
#include <chrono>
#include <deque>
#include <utility>

#include "actors/errors.hpp"
#include "cluster/worker_window.hpp"

namespace troupe::cluster {
namespace {

using SelfActor = WorkerSeatActor::extend<caf::result<void>(wake_atom)>;

// Exchanges the head keeps unanswered: one for what comes next, one that the
// worker brought its news with meanwhile.
constexpr std::size_t kKept = 2;

class WorkerSeatState {
 public:
  static inline const char* name = "troupe.worker_seat";

  WorkerSeatState(SelfActor::pointer self, WorkerSeatOptions options)
      : self_{self},
        options_{std::move(options)},
        window_{options_.worker},
        heard_ms_{options_.clock->now()} {}

  SelfActor::behavior_type make_behavior() {
    self_->set_down_handler([this](caf::down_msg& down) { quit(down.reason); });
    if (options_.session) self_->monitor(options_.session);
    watch_later(options_.silence_ms);
    return {
        [this](assign_atom, std::vector<Assignment>& list) {
          window_.assign(std::move(list));
          answer();
        },
        [this](stop_atom, const std::vector<StopOrder>& orders) {
          report(window_.stop(orders));
          answer();
        },
        [this](drop_atom, const std::vector<ModelDrop>& drops) {
          window_.drop(drops);
          answer();
        },
        [this](bind_atom, const std::string& child, const caf::actor& handle) {
          rebind(child, handle);
        },
        [this](Frame& frame) { return on_frame(frame); },
        [this](wake_atom) { watch(); },
    };
  }

 private:
  caf::result<Frame> on_frame(const Frame& frame) {
    heard_ms_ = options_.clock->now();
    if (frame.type == FrameOf<WorkerHello>::name) return hello(frame);
    return exchange(frame);
  }

  caf::result<Frame> hello(const Frame& frame) {
    auto hello = read_request<WorkerHello>(frame);
    if (!hello) return error_frame(hello.error());
    if (hello->anew && window_.running() > 0) {
      quit(to_caf(
          {Errc::device_lost, "worker " + options_.worker + " began anew"}));
      return error_frame(given_up());
    }
    auto devices = window_.offer(*hello);
    if (!devices) return error_frame(devices.error());
    announce(*devices);
    return reply_frame<WorkerHello>(
        {options_.worker, options_.heartbeat_ms, options_.silence_ms});
  }

  caf::result<Frame> exchange(const Frame& frame) {
    auto exchange = read_request<WorkerExchange>(frame);
    if (!exchange) return error_frame(exchange.error());
    auto news = window_.take(*std::move(exchange));
    if (!news.live.empty())
      self_->send(options_.hub, live_atom_v, std::move(news.live));
    if (!news.alive.empty())
      self_->send(options_.scheduler, heartbeat_atom_v, std::move(news.alive));
    report(std::move(news.ended));
    if (!news.dropped.empty())
      self_->send(options_.scheduler, drop_atom_v, std::move(news.dropped));
    auto promise = self_->make_response_promise<Frame>();
    kept_.push_back(promise);
    answer();
    while (kept_.size() > kKept) deliver_oldest();
    return promise;
  }

  void report(std::vector<AttemptEnd> ends) {
    if (!ends.empty())
      self_->send(options_.scheduler, ended_atom_v, std::move(ends));
  }

  void answer() {
    while (!kept_.empty() && window_.has_orders()) deliver_oldest();
  }

  void deliver_oldest() {
    auto oldest = std::move(kept_.front());
    kept_.pop_front();
    oldest.deliver(reply_frame<WorkerExchange>(window_.orders()));
  }

  void announce(const std::vector<DeviceInfo>& devices) {
    for (const auto& device : devices)
      self_->send(
          options_.scheduler, device_atom_v, device,
          caf::actor_cast<caf::actor>(caf::strong_actor_ptr{self_->ctrl()}));
  }

  void rebind(const std::string& child, const caf::actor& handle) {
    if (child == "scheduler") {
      options_.scheduler = caf::actor_cast<SchedulerActor>(handle);
      announce(window_.offered());
    } else if (child == "event_hub") {
      options_.hub = caf::actor_cast<EventHubActor>(handle);
    }
  }

  // Not later than it must: the leases of its attempts end soon after.
  void watch_later(std::int64_t left_ms) {
    self_->delayed_send(
        self_, std::chrono::milliseconds(std::max<std::int64_t>(left_ms, 1)),
        wake_atom_v);
  }

  void watch() {
    const auto silent_ms = options_.clock->now() - heard_ms_;
    if (silent_ms < options_.silence_ms)
      return watch_later(options_.silence_ms - silent_ms);
    quit(to_caf({Errc::timeout, "nothing was heard of worker " +
                                    options_.worker + " for " +
                                    std::to_string(silent_ms) + " ms"}));
  }

  static Error given_up() {
    return {Errc::unavailable,
            "the head counts what this worker had as lost; say hello again",
            {},
            50};
  }

  void quit(caf::error why) {
    for (auto& kept : std::exchange(kept_, {}))
      kept.deliver(error_frame(given_up()));
    self_->quit(std::move(why));
  }

  SelfActor::pointer self_;
  WorkerSeatOptions options_;
  WorkerWindow window_;
  std::deque<caf::typed_response_promise<Frame>> kept_;  // Oldest first.
  SteadyMs heard_ms_;
};

}  // namespace

WorkerSeatActor spawn_worker_seat(caf::actor_system& sys,
                                  WorkerSeatOptions options) {
  return sys.spawn<SelfActor::stateful_impl<WorkerSeatState>>(
      std::move(options));
}

}  // namespace troupe::cluster
