#include "cluster/device_executor.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <map>
#include <unordered_map>
#include <utility>

#include "actors/supervisor.hpp"
#include "cluster/long_result.hpp"
#include "cluster/text_inputs.hpp"
#include "core/loss.hpp"

namespace troupe::cluster {
namespace {

// What other threads say to it stays out of protocol.hpp's interface.
using SelfActor = Supervised<ExecutorActor>::extend<
    caf::result<void>(live_atom, std::vector<LiveEvent>),
    caf::result<void>(ended_atom, std::vector<AttemptEnd>),
    caf::result<void>(report_atom, std::vector<ModelDrop>),
    caf::result<void>(note_atom, std::vector<AttemptNote>),
    caf::result<void>(heartbeat_atom, std::vector<Token>),
    caf::result<void>(wake_atom, std::uint64_t, std::string)>;

// In the line about a loss; the history has them all.
constexpr std::size_t kNamedJobs = 5;

class DeviceExecutorState {
 public:
  static inline const char* name = "troupe.device_executor";

  DeviceExecutorState(SelfActor::pointer self, DeviceExecutorOptions options)
      : self_{self}, options_{std::move(options)} {}

  SelfActor::behavior_type make_behavior() {
    self_->set_exit_handler([this](caf::exit_msg& msg) { leave(msg.reason); });
    announce();
    return {
        [this](assign_atom, std::vector<Assignment>& list) {
          assign(std::move(list));
        },
        [this](stop_atom, const std::vector<StopOrder>& orders) {
          stop(orders);
        },
        [this](drop_atom, const std::vector<ModelDrop>& drops) { drop(drops); },
        [this](report_atom, const std::vector<ModelDrop>& drops) {
          dropped(drops);
        },
        [this](bind_atom, const std::string& child, const caf::actor& handle) {
          rebind(child, handle);
        },
        [this](live_atom, std::vector<LiveEvent>& events) {
          self_->send(options_.hub, live_atom_v, std::move(events));
        },
        [this](ended_atom, std::vector<AttemptEnd>& ends) {
          report(std::move(ends));
        },
        [this](note_atom, std::vector<AttemptNote>& notes) {
          self_->send(options_.scheduler, note_atom_v, std::move(notes));
        },
        [this](heartbeat_atom, std::vector<Token>& tokens) {
          self_->send(options_.scheduler, heartbeat_atom_v, std::move(tokens));
        },
        [this](wake_atom, std::uint64_t number, const std::string& why) {
          if (number == number_) lost(why);
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

  void assign(std::vector<Assignment> list) {
    for (const auto& one : list) {
      open_[one.token.job] = one.token;
      if (!one.resident.empty())
        held_[one.resident] = {one.device, one.spec.kind, one.resident};
    }
    if (!process_)
      if (auto started = start(); !started)
        return lost("the device process did not start: " +
                    started.error().message);
    list = filled(std::move(list));
    // Should it be gone: its end is on its way, and says why.
    if (!list.empty())
      static_cast<void>(process_->send({.starts = std::move(list)}));
  }

  // Those whose input files could be read; the others have ended.
  std::vector<Assignment> filled(std::vector<Assignment> list) {
    std::vector<AttemptEnd> ends;
    std::erase_if(list, [&](Assignment& one) {
      const auto good =
          fill_text_inputs(one, options_.artifacts.get(), options_.scratch);
      if (!good) ends.push_back(unreadable(one.token, good.error()));
      return !good;
    });
    report(std::move(ends));
    return list;
  }

  static AttemptEnd unreadable(const Token& token, const Error& why) {
    const bool invalid = why.code == Errc::invalid_argument ||
                         why.code == Errc::too_large ||
                         why.code == Errc::unsupported;
    return failed_attempt(
        token, invalid ? FailureClass::invalid : FailureClass::transient, why);
  }

  void stop(const std::vector<StopOrder>& orders) {
    for (const auto& order : orders) {
      const auto it = open_.find(order.token.job);
      if (order.reason == StopReason::fenced && it != open_.end() &&
          it->second == order.token)
        open_.erase(it);
    }
    if (process_) static_cast<void>(process_->send({.stops = orders}));
  }

  void drop(const std::vector<ModelDrop>& drops) {
    if (!process_) return dropped(drops);
    static_cast<void>(process_->send({.drops = drops}));
  }

  void dropped(const std::vector<ModelDrop>& drops) {
    for (const auto& drop : drops) held_.erase(drop.model);
    if (!drops.empty()) self_->send(options_.scheduler, drop_atom_v, drops);
  }

  // What the process says comes in order, and what one that is gone said late
  // is known by its number.
  Status start() {
    const caf::weak_actor_ptr weak{self_->ctrl()};
    const auto tell = [weak](auto&&... xs) {
      if (auto self = caf::actor_cast<caf::strong_actor_ptr>(weak))
        caf::anon_send(caf::actor_cast<caf::actor>(self),
                       std::forward<decltype(xs)>(xs)...);
    };
    auto process = DeviceProcess::start(
        options_.process,
        [tell](DeviceSays says) {
          if (!says.live.empty()) tell(live_atom_v, std::move(says.live));
          if (!says.notes.empty()) tell(note_atom_v, std::move(says.notes));
          if (!says.ended.empty()) tell(ended_atom_v, std::move(says.ended));
          if (!says.dropped.empty())
            tell(report_atom_v, std::move(says.dropped));
          if (!says.alive.empty())
            tell(heartbeat_atom_v, std::move(says.alive));
        },
        [tell, number = ++number_](std::string why) {
          tell(wake_atom_v, number, std::move(why));
        });
    if (!process) return process.error();
    process_ = *std::move(process);
    return ok();
  }

  void report(std::vector<AttemptEnd> ends) {
    std::erase_if(ends, [this](const AttemptEnd& end) {
      const auto it = open_.find(end.token.job);
      if (it == open_.end() || it->second != end.token) return true;
      open_.erase(it);
      return false;
    });
    if (options_.artifacts)
      for (auto& end : ends)
        keep_long_result(end.end, *options_.artifacts, options_.scratch);
    if (!ends.empty())
      self_->send(options_.scheduler, ended_atom_v, std::move(ends));
  }

  void fail_all(std::string_view reason, const std::string& why) {
    std::vector<AttemptEnd> ends;
    for (const auto& [job, token] : open_) {
      JobEnd end;
      end.state = JobState::failed;
      end.failure =
          Failure{FailureClass::transient, std::string(reason), why, {}};
      ends.push_back({token, std::move(end)});
    }
    report(std::move(ends));
  }

  void tell_loss(const std::string& why) const {
    if (!options_.notice) return;
    std::string text = "device " + options_.device.name + ": " + why;
    std::size_t told = 0;
    for (const auto& [job, token] : open_) {
      if (++told > kNamedJobs) continue;
      text += (told == 1 ? "; lost with it: attempt " : ", attempt ") +
              std::to_string(token.attempt) + " of job " + to_string(job);
    }
    if (told > kNamedJobs)
      text += " and " + std::to_string(told - kNamedJobs) + " more";
    options_.notice(text + "; the next work starts another process");
  }

  void lost(const std::string& why) {
    ++number_;
    process_.reset();
    tell_loss(why);
    fail_all(kDeviceLost, why);
    std::vector<ModelDrop> gone;
    for (const auto& [model, drop] : held_) gone.push_back(drop);
    dropped(gone);
  }

  void leave(const caf::error& reason) {
    ++number_;
    process_.reset();
    fail_all(kNodeShutdown, "the node was stopped");
    self_->quit(reason);
  }

  SelfActor::pointer self_;
  DeviceExecutorOptions options_;
  std::unique_ptr<DeviceProcess> process_;  // Null: none runs.
  std::uint64_t number_ = 0;                // Of the process.
  std::unordered_map<JobId, Token> open_;
  std::map<std::string, ModelDrop> held_;  // Models that may be there, by name.
};

}  // namespace

ExecutorActor spawn_device_executor(caf::actor_system& sys,
                                    DeviceExecutorOptions options) {
  using Impl = SelfActor::stateful_impl<DeviceExecutorState>;
  if (options.own_thread)
    return ExecutorActor{sys.spawn<Impl, caf::detached>(std::move(options))};
  return ExecutorActor{sys.spawn<Impl>(std::move(options))};
}

}  // namespace troupe::cluster
