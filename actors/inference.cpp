#include "actors/inference.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <chrono>
#include <unordered_map>

#include "actors/errors.hpp"
#include "actors/supervisor.hpp"

namespace troupe {
namespace {

// What the actor says to itself stays out of protocol.hpp's interface.
using SelfActor =
    Supervised<ExecutorActor>::extend<caf::result<void>(step_atom),
                                      caf::result<void>(wake_atom)>;

class InferenceState {
 public:
  static inline const char* name = "troupe.inference";

  InferenceState(SelfActor::pointer self, InferenceOptions options)
      : self_{self},
        options_{std::move(options)},
        jobs_{options_.context, options_.families, options_.models_dir} {}

  SelfActor::behavior_type make_behavior() {
    announce();
    beat_later();
    return {
        [this](assign_atom, std::vector<Assignment>& list) {
          DeviceNews news;
          for (auto& a : list) jobs_.assign(std::move(a), news);
          report(std::move(news));
          go_on();
        },
        [this](stop_atom, const std::vector<StopOrder>& orders) {
          DeviceNews news;
          for (const auto& order : orders) jobs_.stop(order, news);
          report(std::move(news));
        },
        [this](bind_atom, const std::string& child, const caf::actor& handle) {
          rebind(child, handle);
        },
        [this](step_atom) { step(); },
        [this](wake_atom) {
          auto tokens = jobs_.tokens();
          if (!tokens.empty())
            self_->send(options_.scheduler, heartbeat_atom_v,
                        std::move(tokens));
          beat_later();
        },
    };
  }

 private:
  void announce() {
    self_->send(
        options_.scheduler, device_atom_v, options_.device,
        caf::actor_cast<caf::actor>(caf::strong_actor_ptr{self_->ctrl()}));
  }

  void rebind(const std::string& child, const caf::actor& handle) {
    if (child == "scheduler") {
      options_.scheduler = caf::actor_cast<SchedulerActor>(handle);
      announce();
    } else if (child == "event_hub") {
      options_.hub = caf::actor_cast<EventHubActor>(handle);
    }
  }

  void beat_later() {
    self_->delayed_send(self_, std::chrono::milliseconds(options_.heartbeat_ms),
                        wake_atom_v);
  }

  void step() {
    step_sent_ = false;
    if (!jobs_.has_step()) return;
    DeviceNews news;
    jobs_.step(news);
    report(std::move(news));
    go_on();
  }

  void go_on() {
    if (step_sent_ || !jobs_.has_step()) return;
    step_sent_ = true;
    self_->send(self_, step_atom_v);
  }

  void report(DeviceNews news) {
    const auto now = options_.clock->now();
    std::erase_if(news.live, [&](LiveEvent& event) {
      event.time_ms = now;
      if (event.type != LiveType::progress) return false;
      auto& last = last_progress_[event.job];
      const bool too_soon = now - last < options_.progress_ms;
      if (!too_soon) last = now;
      return too_soon;
    });
    if (!news.live.empty())
      self_->send(options_.hub, live_atom_v, std::move(news.live));
    if (news.ends.empty()) return;
    for (const auto& end : news.ends) last_progress_.erase(end.token.job);
    self_->send(options_.scheduler, ended_atom_v, std::move(news.ends));
  }

  SelfActor::pointer self_;
  InferenceOptions options_;  // Declared before jobs_: the context outlives it.
  DeviceJobs jobs_;
  std::unordered_map<JobId, UnixMs> last_progress_;
  bool step_sent_ = false;  // At most one step message is in the mailbox.
};

}  // namespace

ExecutorActor spawn_inference(caf::actor_system& sys,
                              InferenceOptions options) {
  using Impl = SelfActor::stateful_impl<InferenceState>;
  if (options.own_thread)
    return sys.spawn<Impl, caf::detached>(std::move(options));
  return sys.spawn<Impl>(std::move(options));
}

}  // namespace troupe
