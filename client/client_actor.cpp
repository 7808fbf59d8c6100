#include "client/client_actor.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "actors/errors.hpp"
#include "client/ask.hpp"
#include "client/connection.hpp"
#include "client/pull_loop.hpp"

namespace troupe::client {
namespace {

using SelfActor = ClientActor::extend<caf::result<void>(wake_atom)>;

// Work that the connection's thread leaves for the actor. Does not keep the
// actor alive.
class Inbox {
 public:
  using Work = std::function<void()>;

  explicit Inbox(caf::actor_addr owner) : owner_{std::move(owner)} {}

  void put(Work work) {
    {
      std::lock_guard lock{mutex_};
      work_.push_back(std::move(work));
      if (work_.size() > 1) return;  // It was woken already.
    }
    if (auto owner = caf::actor_cast<caf::strong_actor_ptr>(owner_))
      caf::anon_send(caf::actor_cast<caf::actor>(owner), wake_atom_v);
  }
  std::vector<Work> take() {
    std::lock_guard lock{mutex_};
    return std::exchange(work_, {});
  }

 private:
  const caf::actor_addr owner_;
  std::mutex mutex_;
  std::vector<Work> work_;
};

// The answers of one SubmitRequest, one by one.
struct Gather {
  SubmitReply reply;
  std::size_t open = 0;
  caf::typed_response_promise<SubmitReply> promise;
};

// One listener: the next batch goes out when it has answered the last one.
struct Forward {
  std::shared_ptr<PullLoop> loop;  // Shared with the pull under way.
  caf::actor listener;
  bool busy = false;
};

class ClientActorState {
 public:
  static inline const char* name = "troupe.client-actor";

  ClientActorState(SelfActor::pointer self,
                   std::shared_ptr<Connection> connection)
      : self_{self}, connection_{std::move(connection)} {}
  ~ClientActorState() {
    for (auto& [listener, forward] : forwards_) forward.loop->stop();
    // An answer's callback may hold the last handle of this actor: then this
    // is the connection's own thread, which cannot wait for its own end.
    if (connection_->on_own_thread())
      std::thread([closing = std::move(connection_)]() mutable {
        closing.reset();
      }).detach();
  }

  SelfActor::behavior_type make_behavior() {
    inbox_ = std::make_shared<Inbox>(caf::actor_cast<caf::actor_addr>(self_));
    self_->set_down_handler([this](caf::down_msg& down) { drop(down.source); });
    return {
        [this](submit_atom, SubmitRequest& request) {
          return submit(std::move(request));
        },
        [this](show_atom, const ShowRequest& r) { return pass(r); },
        [this](list_atom, const ListRequest& r) { return pass(r); },
        [this](cancel_atom, const CancelRequest& r) { return pass(r); },
        [this](explain_atom, const ExplainRequest& r) { return pass(r); },
        [this](control_atom, const ControlRequest& r) { return pass(r); },
        [this](status_atom) { return pass(StatusRequest{}); },
        [this](pull_atom, const PullRequest& request, caf::actor listener) {
          follow(request, std::move(listener));
        },
        [this](wake_atom) {
          for (auto& work : inbox_->take()) work();
        },
    };
  }

 private:
  template <class Request>
  caf::result<typename FrameOf<Request>::Reply> pass(const Request& request) {
    using Reply = typename FrameOf<Request>::Reply;
    // Shared: a promise counts its copies without regard to threads, and the
    // connection's thread holds one.
    auto promise = std::make_shared<caf::typed_response_promise<Reply>>(
        self_->make_response_promise<Reply>());
    const auto deadline =
        system_steady_clock().now() + connection_->options().timeout_ms;
    connection_->call(make_call(
        request, deadline, [promise, inbox = inbox_](Result<Answer> answer) {
          auto reply = read_answer<Request>(std::move(answer));
          inbox->put([promise, reply = std::move(reply)]() mutable {
            if (reply)
              promise->deliver(*std::move(reply));
            else
              promise->deliver(to_caf(reply.error()));
          });
        }));
    return *promise;
  }

  caf::result<SubmitReply> submit(SubmitRequest request) {
    // Shared by the jobs of this request.
    auto gather = std::make_shared<Gather>();
    gather->reply.answers.resize(request.jobs.size());
    gather->open = request.jobs.size();
    gather->promise = self_->make_response_promise<SubmitReply>();
    if (gather->open == 0) gather->promise.deliver(SubmitReply{});
    for (std::size_t i = 0; i < request.jobs.size(); ++i) {
      auto& id = request.jobs[i].id;
      if (!id) id = ids_.next();
      gather->reply.answers[i].id = id;
    }
    for (std::size_t i = 0; i < request.jobs.size(); ++i) {
      auto sent = connection_->submit(
          request.jobs[i], 0,
          [gather, i, inbox = inbox_](Result<SubmitAnswer> answer) {
            inbox->put([gather, i, answer = std::move(answer)]() mutable {
              put(*gather, i, std::move(answer));
            });
          });
      if (!sent) put(*gather, i, sent.error());
    }
    return gather->promise;
  }

  static void put(Gather& gather, std::size_t i, Result<SubmitAnswer> answer) {
    if (answer)
      gather.reply.answers[i] = *std::move(answer);
    else
      gather.reply.answers[i].error = std::move(answer.error());
    if (--gather.open > 0) return;
    gather.promise.deliver(std::exchange(gather.reply, {}));
  }

  // -- events: one pull loop per listener -------------------------------------

  void follow(const PullRequest& request, caf::actor listener) {
    FollowOptions options;
    options.job = request.job;
    options.after_index = request.after_index;
    options.after_seq = request.after_seq;
    options.from_now = request.from_now;
    options.live = request.live;
    options.ends_only = request.ends_only;
    options.credit = request.max_events;
    const auto to = listener.address();
    drop(to);
    auto loop = std::make_shared<PullLoop>(*connection_, options);
    forwards_[to] = {loop, std::move(listener)};
    self_->monitor(forwards_[to].listener);
    loop->start_notifying([this, to, inbox = inbox_] {
      inbox->put([this, to] { forward(to); });
    });
  }

  void forward(const caf::actor_addr& to) {
    const auto it = forwards_.find(to);
    if (it == forwards_.end() || it->second.busy) return;
    auto& [loop, listener, busy] = it->second;
    auto batch = loop->take(0);
    if (!batch) {
      caf::anon_send(listener, ended_atom_v, batch.error());
      return drop(to);
    }
    if (loop->finished() && batch->entries.empty()) return drop(to);
    if (batch->entries.empty() && batch->live.empty()) return;
    busy = true;
    // No time limit: a listener may take its time, and CAF's timer would keep
    // this actor alive for as long. The listener's end is told by its monitor.
    self_->request(listener, caf::infinite, pull_atom_v, *std::move(batch))
        .then([this, to] { answered(to); },
              [this, to](caf::error&) { drop(to); });
  }

  void answered(const caf::actor_addr& to) {
    const auto it = forwards_.find(to);
    if (it == forwards_.end()) return;
    it->second.busy = false;
    forward(to);
  }

  void drop(const caf::actor_addr& to) {
    auto node = forwards_.extract(to);
    if (node.empty()) return;
    self_->demonitor(node.mapped().listener);
    node.mapped().loop->stop();
  }

  SelfActor::pointer self_;
  std::shared_ptr<Connection> connection_;
  std::shared_ptr<Inbox> inbox_;  // Shared with callbacks under way.
  std::unique_ptr<Random> random_ = system_random();
  JobIdGenerator ids_{system_wall_clock(), *random_};
  std::map<caf::actor_addr, Forward> forwards_;
};

}  // namespace

Result<ClientActor> spawn_client(caf::actor_system& sys, Options options) {
  auto connection = Connection::open(std::move(options));
  if (!connection) return connection.error();
  // Shared, because CAF copies what it hands to a state.
  std::shared_ptr<Connection> shared = *std::move(connection);
  // A thread of its own: closing the connection blocks.
  auto actor =
      sys.spawn<SelfActor::stateful_impl<ClientActorState>, caf::detached>(
          std::move(shared));
  return caf::actor_cast<ClientActor>(actor);
}

}  // namespace troupe::client
