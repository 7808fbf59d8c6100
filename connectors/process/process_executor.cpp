#include "connectors/process/process_executor.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <chrono>
#include <memory>
#include <optional>

namespace troupe {
namespace {

using SelfActor = ExecutorActor::extend<
    caf::result<void>(bind_atom, std::string, caf::actor),
    caf::result<void>(live_atom, std::vector<LiveEvent>),
    caf::result<void>(ended_atom, std::vector<AttemptEnd>),
    caf::result<void>(note_atom, std::vector<AttemptNote>),
    caf::result<void>(wake_atom)>;

// Brings what other threads say into the actor's mailbox.
class MailboxSink final : public AttemptSink {
 public:
  // Before anything is assigned. Weak: the actor owns what owns this.
  void bind(caf::weak_actor_ptr self) { self_ = std::move(self); }

  void live(std::vector<LiveEvent> events) override {
    send(live_atom_v, std::move(events));
  }
  void ended(AttemptEnd end) override {
    send(ended_atom_v, std::vector<AttemptEnd>{std::move(end)});
  }
  void noted(AttemptNote note) override {
    send(note_atom_v, std::vector<AttemptNote>{std::move(note)});
  }

 private:
  template <class... Ts>
  void send(Ts&&... xs) {
    if (auto self = caf::actor_cast<caf::strong_actor_ptr>(self_))
      caf::anon_send(caf::actor_cast<caf::actor>(self),
                     std::forward<Ts>(xs)...);
  }

  caf::weak_actor_ptr self_;
};

struct Parts {
  std::unique_ptr<MailboxSink> sink;  // First: the other's threads use it.
  std::unique_ptr<ProcessAttempts> attempts;
};

class ProcessExecutorState {
 public:
  static inline const char* name = "troupe.process_executor";

  ProcessExecutorState(SelfActor::pointer self, ProcessExecutorOptions options,
                       Parts parts)
      : self_{self}, options_{std::move(options)}, parts_{std::move(parts)} {
    parts_.sink->bind(caf::weak_actor_ptr{self_->ctrl()});
  }

  SelfActor::behavior_type make_behavior() {
    self_->set_exit_handler([this](caf::exit_msg& msg) { leave(msg.reason); });
    announce();
    beat_later();
    return {
        [this](assign_atom, std::vector<Assignment>& list) {
          for (auto& one : list) parts_.attempts->assign(std::move(one));
        },
        [this](stop_atom, const std::vector<StopOrder>& orders) {
          for (const auto& order : orders) parts_.attempts->stop(order);
        },
        [this](drop_atom, const std::vector<ModelDrop>& drops) {
          self_->send(options_.scheduler, drop_atom_v, drops);
        },
        [this](bind_atom, const std::string& child, const caf::actor& handle) {
          rebind(child, handle);
        },
        [this](live_atom, std::vector<LiveEvent>& events) {
          self_->send(options_.hub, live_atom_v, std::move(events));
        },
        [this](ended_atom, std::vector<AttemptEnd>& ends) {
          self_->send(options_.scheduler, ended_atom_v, std::move(ends));
          leave_when_idle();
        },
        [this](note_atom, std::vector<AttemptNote>& notes) {
          self_->send(options_.scheduler, note_atom_v, std::move(notes));
        },
        [this](wake_atom) {
          beat();
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

  void beat() {
    auto tokens = parts_.attempts->tokens();
    if (!tokens.empty())
      self_->send(options_.scheduler, heartbeat_atom_v, std::move(tokens));
  }

  void beat_later() {
    self_->delayed_send(self_, std::chrono::milliseconds(options_.heartbeat_ms),
                        wake_atom_v);
  }

  void leave(caf::error reason) {
    leaving_ = std::move(reason);
    parts_.attempts->stop_all(StopReason::shutdown);
    leave_when_idle();
  }

  void leave_when_idle() {
    if (leaving_ && parts_.attempts->tokens().empty()) self_->quit(*leaving_);
  }

  SelfActor::pointer self_;
  ProcessExecutorOptions options_;
  Parts parts_;
  std::optional<caf::error> leaving_;
};

}  // namespace

Result<ExecutorActor> spawn_process_executor(caf::actor_system& sys,
                                             ProcessExecutorOptions options) {
  using Impl = SelfActor::stateful_impl<ProcessExecutorState>;
  Parts parts{.sink = std::make_unique<MailboxSink>(), .attempts = {}};
  auto attempts = ProcessAttempts::create(options.attempts, *parts.sink);
  if (!attempts) return attempts.error();
  parts.attempts = *std::move(attempts);
  if (options.own_thread)
    return ExecutorActor{
        sys.spawn<Impl, caf::detached>(std::move(options), std::move(parts))};
  return ExecutorActor{sys.spawn<Impl>(std::move(options), std::move(parts))};
}

}  // namespace troupe
