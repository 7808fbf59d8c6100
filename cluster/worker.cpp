#include "cluster/worker.hpp"

#include <caf/actor_cast.hpp>
#include <caf/openssl/manager.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include "actors/errors.hpp"
#include "actors/executors.hpp"
#include "cluster/connect.hpp"
#include "cluster/worker_frames.hpp"
#include "cluster/worker_news.hpp"

namespace troupe::cluster {
namespace {

using SelfActor = WorkerActor::extend<
    caf::result<void>(wake_atom), caf::result<void>(flush_atom),
    caf::result<void>(hello_atom), caf::result<void>(step_atom)>;

// Beyond so many unanswered exchanges the head is slow: news waits.
constexpr std::uint32_t kMostUnderWay = 16;

/// Where an attempt runs.
struct Open {
  Token token;
  caf::actor executor;
};

class WorkerState {
 public:
  static inline const char* name = "troupe.worker";

  WorkerState(SelfActor::pointer self, WorkerOptions options)
      : self_{self},
        options_{std::move(options)},
        backoff_ms_{options_.backoff_ms},
        news_{options_.max_live} {}

  SelfActor::behavior_type make_behavior() {
    self_->set_down_handler([this](caf::down_msg& down) { on_down(down); });
    return {
        [this](device_atom, const DeviceInfo& info, const caf::actor& by) {
          device(info, by);
        },
        [this](ended_atom, std::vector<AttemptEnd>& ends) {
          ended(std::move(ends));
        },
        [this](drop_atom, const std::vector<ModelDrop>& drops) {
          if (session_) news_.dropped(drops);
          for (const auto& drop : drops)
            models_.erase({drop.device, drop.model});
          flush_soon();
        },
        [this](heartbeat_atom, const std::vector<Token>& tokens) {
          if (session_) news_.alive(tokens);
          flush_soon();
        },
        [this](live_atom, std::vector<LiveEvent>& events) {
          if (session_) news_.live(std::move(events));
          flush_soon();
        },
        [this](wake_atom) { dial(); },
        [this](flush_atom) {
          flush_sent_ = false;
          flush();
        },
        [this](hello_atom) {
          offer_sent_ = false;
          if (session_) offer(false);
        },
        [this](step_atom) { beat(); },
    };
  }

 private:
  // -- executors --------------------------------------------------------------

  void device(const DeviceInfo& info, const caf::actor& executor) {
    self_->monitor(executor);
    devices_[info.name] = executors_.add(info, executor);
    if (!std::exchange(dialling_, true)) self_->send(self_, wake_atom_v);
    offer_soon();
  }

  void on_down(const caf::down_msg& down) {
    if (session_ && down.source == session_.address())
      return lost({Errc::unavailable, "the connection to the head was lost"});
    for (auto& [name, left] : executors_.remove(down.source)) {
      if (left)
        devices_[name] = *left;
      else
        devices_.erase(name);
    }
    std::vector<AttemptEnd> gone;
    for (const auto& [job, open] : open_)
      if (open.executor.address() == down.source)
        gone.push_back(failed(open.token, "executor_lost",
                              "the executor of the attempt ended"));
    ended(std::move(gone));
    offer_soon();
  }

  static AttemptEnd failed(const Token& token, std::string reason,
                           std::string message) {
    JobEnd end;
    end.state = JobState::failed;
    end.failure = Failure{
        FailureClass::transient, std::move(reason), std::move(message), {}};
    return {token, std::move(end)};
  }

  void ended(std::vector<AttemptEnd> ends) {
    for (auto& end : ends) {
      const auto it = open_.find(end.token.job);
      // Fenced, or of a connection that is gone.
      if (it == open_.end() || it->second.token != end.token) continue;
      open_.erase(it);
      news_.ended(std::move(end));
    }
    flush_soon();
  }

  // -- the connection ---------------------------------------------------------

  std::chrono::milliseconds connect_timeout() const {
    return std::chrono::milliseconds{options_.connect_timeout_ms};
  }

  // Each step hears only of its own round.
  void dial() {
    const auto round = ++round_;
    auto address = options_.find();
    if (!address) return dial_later(address.error());
    self_
        ->request(self_->system().openssl_manager().actor_handle(),
                  connect_timeout(), caf::connect_atom_v, address->host,
                  address->port)
        .then(
            [this, round, at = *address](const caf::node_id& node,
                                         const caf::strong_actor_ptr& gate,
                                         const std::set<std::string>&) {
              if (round != round_) return;
              auto checked = checked_gate(self_->system(), at, node, gate);
              if (!checked) return dial_later(checked.error());
              say_hello(*checked);
            },
            [this, round, at = *address](caf::error& e) {
              if (round == round_) dial_later(not_connected(at, e));
            });
  }

  void say_hello(const GateActor& gate) {
    self_->request(gate, connect_timeout(), request_frame(own_hello()))
        .then(
            [this, round = round_](const Frame& frame) {
              if (round != round_) return;
              auto reply = read_reply<Hello>(frame);
              if (!reply) return dial_later(reply.error());
              session_ = caf::actor_cast<SessionActor>(self_->current_sender());
              self_->monitor(session_);
              offer(true);
            },
            [this, round = round_](caf::error& e) {
              if (round == round_) dial_later(from_caf(e));
            });
  }

  void offer_soon() {
    if (session_ && !std::exchange(offer_sent_, true))
      self_->send(self_, hello_atom_v);
  }

  void offer(bool anew) {
    WorkerHello hello;
    hello.anew = anew;
    for (const auto& [name, device] : devices_) hello.devices.push_back(device);
    self_->request(session_, connect_timeout(), request_frame(hello))
        .then(
            [this, anew, round = round_](const Frame& frame) {
              if (round != round_) return;
              auto reply = read_reply<WorkerHello>(frame);
              if (!reply) return lost(reply.error());
              if (anew) welcome(*reply);
            },
            [this, round = round_](caf::error& e) {
              if (round == round_) lost(from_caf(e));
            });
  }

  void welcome(const WorkerWelcome& welcome) {
    heartbeat_ms_ = std::max<std::int64_t>(welcome.heartbeat_ms, 1);
    silence_ms_ = std::max(welcome.silence_ms, heartbeat_ms_);
    heard_ms_ = options_.clock->now();
    backoff_ms_ = options_.backoff_ms;
    ready_ = true;
    if (!std::exchange(beating_, true)) beat_later();
    if (options_.connection) options_.connection(ok());
    flush();
  }

  void dial_later(const Error& why) {
    ++round_;
    if (options_.connection) options_.connection(why);
    self_->delayed_send(self_, std::chrono::milliseconds{backoff_ms_},
                        wake_atom_v);
    backoff_ms_ = std::min(std::max<std::int64_t>(backoff_ms_, 1) * 2,
                           options_.max_backoff_ms);
  }

  // The head fails what ran here: end it, so that it does not run twice.
  void lost(const Error& why) {
    self_->demonitor(session_);
    session_ = nullptr;
    ready_ = false;
    under_way_ = 0;
    news_.clear();
    for (auto& [job, open] : std::exchange(open_, {}))
      stop(open, StopReason::fenced);
    // What the head knew is gone with it: begin with nothing there.
    std::vector<ModelDrop> all;
    for (const auto& [key, drop] : models_) all.push_back(drop);
    drop(all);
    dial_later(why);
  }

  // -- exchanges --------------------------------------------------------------

  // Lands behind everything that is in the mailbox now, so all of it travels
  // together.
  void flush_soon() {
    if (ready_ && !std::exchange(flush_sent_, true))
      self_->send(self_, flush_atom_v);
  }

  void flush() {
    if (!ready_) return;
    while (!news_.empty() && under_way_ < kMostUnderWay) exchange();
    if (under_way_ == 0) exchange();
  }

  void exchange() {
    auto out = news_.take();
    out.credit = options_.credit;
    ++under_way_;
    // The head answers when it has orders; beat() sees when it is silent.
    self_->request(session_, caf::infinite, request_frame(out))
        .then(
            [this, round = round_](const Frame& frame) {
              if (round == round_) answered(frame);
            },
            [this, round = round_](caf::error& e) {
              if (round == round_) lost(from_caf(e));
            });
  }

  void answered(const Frame& frame) {
    heard_ms_ = options_.clock->now();
    --under_way_;
    auto orders = read_reply<WorkerExchange>(frame);
    if (!orders) return lost(orders.error());
    for (const auto& order : orders->stops) {
      const auto it = open_.find(order.token.job);
      if (it == open_.end() || it->second.token != order.token) continue;
      stop(it->second, order.reason);
      if (order.reason == StopReason::fenced) open_.erase(it);
    }
    drop(orders->drops);
    start(std::move(orders->starts));
    flush();
  }

  static void stop(const Open& open, StopReason reason) {
    caf::anon_send(caf::actor_cast<ExecutorActor>(open.executor), stop_atom_v,
                   std::vector<StopOrder>{{open.token, reason}});
  }

  void drop(const std::vector<ModelDrop>& drops) {
    for (const auto& one : drops) {
      if (const auto* executor = executors_.find(one.device, one.kind))
        self_->send(caf::actor_cast<ExecutorActor>(*executor), drop_atom_v,
                    std::vector<ModelDrop>{one});
      else if (session_)
        news_.dropped({one});
    }
  }

  void start(std::vector<Assignment> starts) {
    std::unordered_map<caf::actor, std::vector<Assignment>> by_executor;
    for (auto& a : starts) {
      const auto* executor = executors_.find(a.device, a.spec.kind);
      if (!executor) {
        news_.ended(failed(a.token, "executor_lost",
                           "nobody serves " + a.spec.kind + " on " + a.device +
                               " of this worker any more"));
        continue;
      }
      open_[a.token.job] = {a.token, *executor};
      if (!a.resident.empty())
        models_[{a.device, a.resident}] = {a.device, a.spec.kind, a.resident};
      by_executor[*executor].push_back(std::move(a));
    }
    for (auto& [executor, list] : by_executor)
      self_->send(caf::actor_cast<ExecutorActor>(executor), assign_atom_v,
                  std::move(list));
  }

  // -- time -------------------------------------------------------------------

  void beat_later() {
    self_->delayed_send(self_, std::chrono::milliseconds{heartbeat_ms_},
                        step_atom_v);
  }

  void beat() {
    beat_later();
    if (!ready_) return;
    if (options_.clock->now() - heard_ms_ >= silence_ms_)
      return lost({Errc::timeout, "nothing was heard of the head for " +
                                      std::to_string(silence_ms_) + " ms"});
    if (under_way_ < kMostUnderWay) exchange();
  }

  SelfActor::pointer self_;
  WorkerOptions options_;
  Executors executors_;
  std::map<std::string, DeviceInfo> devices_;
  std::unordered_map<JobId, Open> open_;
  // That may be there, by device and name.
  std::map<std::pair<std::string, std::string>, ModelDrop> models_;

  SessionActor session_;     // Null: none.
  bool ready_ = false;       // The head knows this worker.
  bool dialling_ = false;    // Begun once, for good.
  std::uint64_t round_ = 0;  // Of dialling; answers of older ones are void.
  std::int64_t backoff_ms_;
  std::int64_t heartbeat_ms_ = 2'000;
  std::int64_t silence_ms_ = 15'000;
  SteadyMs heard_ms_ = 0;
  bool beating_ = false;

  WorkerNews news_;
  std::uint32_t under_way_ = 0;  // Exchanges without answer.
  bool flush_sent_ = false;
  bool offer_sent_ = false;
};

}  // namespace

WorkerActor spawn_worker(caf::actor_system& sys, WorkerOptions options) {
  return sys.spawn<SelfActor::stateful_impl<WorkerState>>(std::move(options));
}

SchedulerActor as_scheduler(const WorkerActor& worker) {
  return caf::actor_cast<SchedulerActor>(caf::actor_cast<caf::actor>(worker));
}

EventHubActor as_event_hub(const WorkerActor& worker) {
  return caf::actor_cast<EventHubActor>(caf::actor_cast<caf::actor>(worker));
}

}  // namespace troupe::cluster
