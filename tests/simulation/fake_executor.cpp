#include "tests/simulation/fake_executor.hpp"

#include <caf/actor_system.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <array>
#include <chrono>
#include <utility>

#include "actors/supervisor.hpp"
#include "tests/simulation/oracle.hpp"

namespace troupe::simulation {

namespace {

using test::below;
using test::chance;

enum class Plan {
  succeed,
  fail,
  refuse,       // Ends at once, before any work.
  say_twice,    // Reports its end two times.
  fall_silent,  // No heartbeats; ends long after its lease.
  die,          // The whole executor ends in the middle of the work.
};

struct Attempt {
  Assignment assignment;
  Plan plan = Plan::succeed;
  bool stopped = false;
};

Failure failure_of(FailureClass klass) {
  return {klass, "drawn_by_seed", "the seed wanted it", {}};
}

JobEnd succeeded(const Token& token) {
  return {JobState::succeeded, std::nullopt, work_result(token), {}};
}

JobEnd failed(FailureClass klass) {
  return {JobState::failed, failure_of(klass), "", {}};
}

using FakeExecutorActor = Supervised<ExecutorActor>;

class FakeExecutor {
 public:
  FakeExecutor(FakeExecutorActor::pointer self, FakeExecutorOptions options)
      : self_{self},
        options_{std::move(options)},
        world_{*options_.world},
        random_{world_.coordinator.fork()},
        scheduler_{caf::actor_cast<SchedulerActor>(options_.scheduler)},
        hub_{caf::actor_cast<EventHubActor>(options_.hub)} {}

  static constexpr const char* name = "fake_executor";

  FakeExecutorActor::behavior_type make_behavior() {
    announce();
    beat();
    return {
        [this](assign_atom, std::vector<Assignment>& assignments) {
          for (auto& assignment : assignments) begin(std::move(assignment));
        },
        [this](stop_atom, const std::vector<StopOrder>& orders) {
          for (const StopOrder& order : orders) stop(order);
        },
        [this](drop_atom, const std::vector<ModelDrop>& drops) {
          self_->send(scheduler_, drop_atom_v, drops);
        },
        [this](bind_atom, const std::string& child, const caf::actor& actor) {
          bind(child, actor);
        },
    };
  }

 private:
  void announce() {
    self_->send(scheduler_, device_atom_v, options_.device,
                caf::actor_cast<caf::actor>(self_));
  }

  void bind(const std::string& child, const caf::actor& actor) {
    if (child == "event_hub") hub_ = caf::actor_cast<EventHubActor>(actor);
    if (child != "scheduler") return;
    scheduler_ = caf::actor_cast<SchedulerActor>(actor);
    announce();
  }

  Plan draw_plan() {
    if (!world_.faults)
      return chance(*random_, 90) ? Plan::succeed : Plan::fail;
    const auto draw = below(*random_, 100);
    if (draw < 66) return Plan::succeed;
    if (draw < 84) return Plan::fail;
    if (draw < 88) return Plan::refuse;
    if (draw < 93) return Plan::say_twice;
    if (draw < 98) return Plan::fall_silent;
    return Plan::die;
  }

  void begin(Assignment assignment) {
    const Token token = assignment.token;
    Attempt attempt{std::move(assignment), draw_plan(), false};
    auto wait_ms = static_cast<std::int64_t>(
        below(*random_, static_cast<std::uint64_t>(options_.longest_ms)));
    if (attempt.plan == Plan::refuse) wait_ms = 0;
    if (attempt.plan == Plan::fall_silent) wait_ms += 6'000;
    attempts_[token] = std::move(attempt);
    after(wait_ms, [this, token] { finish(token); });
  }

  template <class F>
  void after(std::int64_t wait_ms, F what) {
    self_->run_delayed(std::chrono::milliseconds{wait_ms}, std::move(what));
  }

  void finish(const Token& token) {
    const auto it = attempts_.find(token);
    if (it == attempts_.end()) return;
    switch (it->second.plan) {
      case Plan::succeed:
        return end(token, succeeded(token));
      case Plan::fail:
        return end(token, failed(draw_class()));
      case Plan::refuse:
        world_.fault("executor_refuses");
        return end(token, failed(FailureClass::transient));
      case Plan::say_twice:
        world_.fault("end_said_twice");
        tell(token, succeeded(token));
        return end(token, succeeded(token));
      case Plan::fall_silent:
        world_.fault("late_end");
        return end(token, succeeded(token));
      case Plan::die:
        world_.fault("executor_dies");
        self_->quit(caf::sec::runtime_error);
    }
  }

  FailureClass draw_class() {
    static constexpr std::array kClasses{
        FailureClass::invalid,   FailureClass::transient,
        FailureClass::transient, FailureClass::resource,
        FailureClass::model,     FailureClass::command};
    return kClasses[below(*random_, kClasses.size())];
  }

  void end(const Token& token, JobEnd end) {
    attempts_.erase(token);
    tell(token, std::move(end));
  }

  void tell(const Token& token, JobEnd end) {
    self_->send(scheduler_, ended_atom_v,
                std::vector<AttemptEnd>{{token, std::move(end)}});
  }

  void stop(const StopOrder& order) {
    const auto it = attempts_.find(order.token);
    if (it == attempts_.end() || it->second.stopped) return;
    if (it->second.plan == Plan::fall_silent) {  // Deaf as well.
      world_.fault("stop_ignored");
      return;
    }
    if (order.reason == StopReason::fenced) return fenced(it->second);
    it->second.stopped = true;
    const auto token = order.token;
    const auto reason = order.reason;
    after(static_cast<std::int64_t>(below(*random_, 300)),
          [this, token, reason] { end_stopped(token, reason); });
  }

  void fenced(const Attempt& attempt) {
    const Token token = attempt.assignment.token;
    attempts_.erase(token);
    if (!world_.faults || !chance(*random_, 50)) return;
    world_.fault("end_after_fence");
    tell(token, succeeded(token));
  }

  void end_stopped(const Token& token, StopReason reason) {
    if (!attempts_.contains(token)) return;
    if (chance(*random_, 10)) return end(token, succeeded(token));
    switch (reason) {
      case StopReason::cancelled:
        return end(token, {JobState::cancelled, std::nullopt, "", {}});
      case StopReason::expired:
        return end(token, {JobState::expired, std::nullopt, "", {}});
      case StopReason::timeout:
        return end(token, failed(FailureClass::timeout));
      default:
        return end(token, failed(FailureClass::transient));
    }
  }

  void beat() {
    after(options_.heartbeat_ms, [this] { beat(); });
    std::vector<Token> alive;
    std::vector<LiveEvent> live;
    for (const auto& [token, attempt] : attempts_) {
      if (attempt.plan == Plan::fall_silent) continue;
      alive.push_back(token);
      live.push_back(progress(token));
    }
    if (alive.empty()) return;
    self_->send(scheduler_, heartbeat_atom_v, std::move(alive));
    self_->send(hub_, live_atom_v, std::move(live));
  }

  LiveEvent progress(const Token& token) const {
    LiveEvent event;
    event.job = token.job;
    event.attempt = token.attempt;
    event.time_ms = world_.coordinator.wall_clock().now();
    event.progress = Progress{.percent = 50};
    return event;
  }

  FakeExecutorActor::pointer self_;
  FakeExecutorOptions options_;
  World& world_;
  std::unique_ptr<Random> random_;
  SchedulerActor scheduler_;
  EventHubActor hub_;
  std::map<Token, Attempt> attempts_;
};

}  // namespace

caf::actor spawn_fake_executor(caf::actor_system& sys,
                               FakeExecutorOptions options) {
  using Impl = FakeExecutorActor::stateful_impl<FakeExecutor>;
  return caf::actor_cast<caf::actor>(sys.spawn<Impl>(std::move(options)));
}

}  // namespace troupe::simulation
