#include "actors/inference.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <chrono>

#include "actors/errors.hpp"
#include "actors/shown_progress.hpp"
#include "actors/supervisor.hpp"

namespace troupe {
namespace {

// What the actor says to itself stays out of protocol.hpp's interface.
using SelfActor =
    Supervised<ExecutorActor>::extend<caf::result<void>(step_atom),
                                      caf::result<void>(wake_atom)>;

// Live events that travel as one message, and the time they wait for others.
constexpr std::size_t kTogether = 256;
constexpr UnixMs kTogetherMs = 2;
// Messages of live events under way to the hub.
constexpr std::uint32_t kMostTold = 8;

class InferenceState {
 public:
  static inline const char* name = "troupe.inference";

  InferenceState(SelfActor::pointer self, InferenceOptions options)
      : self_{self},
        options_{std::move(options)},
        jobs_{options_.context, options_.families, options_.models} {}

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
        [this](drop_atom, const std::vector<ModelDrop>& drops) {
          DeviceNews news;
          for (const auto& drop : drops) jobs_.drop(drop, news);
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
    if (!jobs_.has_step() || told_ >= kMostTold) return;
    DeviceNews news;
    jobs_.step(news);
    report(std::move(news));
    go_on();
  }

  void go_on() {
    if (step_sent_ || !jobs_.has_step() || told_ >= kMostTold) return;
    step_sent_ = true;
    self_->send(self_, step_atom_v);
  }

  void report(DeviceNews news) {
    const auto now = options_.clock->now();
    for (auto& event : news.live) {
      event.time_ms = now;
      if (progress_.take(event)) live_.push_back(std::move(event));
    }
    // Quick steps share a message; the news of slow ones leaves at once.
    const bool quick = now - reported_ms_ < kTogetherMs;
    reported_ms_ = now;
    if (live_.empty() || live_.front().time_ms + kTogetherMs <= now || !quick ||
        live_.size() >= kTogether || !news.ends.empty() || !jobs_.has_step())
      tell();
    if (!news.notes.empty())
      self_->send(options_.scheduler, note_atom_v, std::move(news.notes));
    for (const auto& end : news.ends) progress_.forget(end.token.job);
    if (!news.ends.empty())
      self_->send(options_.scheduler, ended_atom_v, std::move(news.ends));
    // After the ends: what they used is not used any more.
    if (!news.dropped.empty())
      self_->send(options_.scheduler, drop_atom_v, std::move(news.dropped));
  }

  // The hub answers when it has taken them in: one that cannot follow slows
  // the steps instead of filling its mailbox.
  void tell() {
    if (live_.empty()) return;
    ++told_;
    const auto answered = [this] {
      --told_;
      go_on();
    };
    self_
        ->request(options_.hub, caf::infinite, live_atom_v,
                  std::exchange(live_, {}))
        .then(answered, [answered](const caf::error&) { answered(); });
  }

  SelfActor::pointer self_;
  InferenceOptions options_;  // Declared before jobs_: the context outlives it.
  DeviceJobs jobs_;
  ShownProgress progress_{options_.progress_ms};
  std::vector<LiveEvent> live_;  // Not told yet.
  UnixMs reported_ms_ = 0;
  std::uint32_t told_ = 0;  // Messages that the hub has not answered.
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
