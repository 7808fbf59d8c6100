#include "cluster/gate.hpp"

#include <caf/actor_cast.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <chrono>
#include <iterator>
#include <map>
#include <utility>

#include "actors/errors.hpp"
#include "cluster/frames.hpp"

namespace troupe::cluster {
namespace {

struct GateState {
  static inline const char* name = "troupe.gate";

  GateState(BoundGate::pointer self, GateOptions options)
      : self_{self}, options_{std::move(options)} {}

  BoundGate::behavior_type make_behavior() {
    self_->set_default_handler(caf::drop);
    self_->set_down_handler([this](caf::down_msg& down) {
      std::erase_if(sessions_, [&](const auto& entry) {
        return entry.second.address() == down.source;
      });
    });
    self_->set_exit_handler([this](caf::exit_msg& exit) { stop(exit.reason); });
    return {
        [this](Frame& frame) { return on_frame(frame); },
        [this](bind_atom, const std::string& child, const caf::actor& handle) {
          bind(child, handle);
        },
    };
  }

 private:
  caf::result<Frame> on_frame(Frame& frame) {
    const auto sender = self_->current_sender();
    if (!sender)
      return error_frame({Errc::denied, "a message without a sender"});
    if (frame.bytes.size() > kMaxFrameBytes)
      return error_frame({Errc::too_large, "hello is too long"});
    if (frame.type != FrameOf<Hello>::name)
      return error_frame(
          {Errc::unsupported, "the first frame must be \"hello\"; \"" +
                                  frame.type.substr(0, 64) +
                                  "\" goes to the session that answers it"});
    auto session = session_for(sender->node());
    if (!session) return error_frame(session.error());
    // The session answers itself: that is how the client learns its handle.
    return self_->delegate(caf::actor_cast<SessionActor>(*session),
                           std::move(frame));
  }

  Result<BoundSession> session_for(const caf::node_id& client) {
    auto principal = options_.identify.find(client);
    const auto it = sessions_.find(client);
    if (!principal) {
      if (it != sessions_.end() && principal.error().code == Errc::denied)
        end(it, principal.error());
      return principal.error();
    }
    if (it != sessions_.end()) return it->second;
    if (sessions_.size() >= options_.max_sessions)
      return Error{Errc::unavailable,
                   "this node serves its " +
                       std::to_string(options_.max_sessions) +
                       " clients already",
                   {},
                   1'000};
    SessionOptions seat;
    seat.client = client;
    seat.principal = *std::move(principal);
    seat.handles = options_.handles;
    seat.limits = options_.limits;
    seat.gate = self_->address();
    seat.node = options_.node;
    seat.build = options_.build;
    seat.store_id = options_.store_id;
    auto session = spawn_session(self_->system(), std::move(seat));
    self_->monitor(session);
    sessions_.emplace(client, session);
    look_again_later();
    return session;
  }

  // -- who is known no more ---------------------------------------------------

  using Sessions = std::map<caf::node_id, BoundSession>;

  void look_again_later() {
    if (!options_.identify.changed || std::exchange(will_look_, true)) return;
    self_->run_delayed(std::chrono::milliseconds{options_.look_again_ms},
                       [this] {
                         will_look_ = false;
                         look_again();
                         if (!sessions_.empty()) look_again_later();
                       });
  }

  // What cannot be looked up shuts nobody out: it is tried again.
  void look_again() {
    if (!options_.identify.changed() && !unsure_) return;
    unsure_ = false;
    for (auto it = sessions_.begin(); it != sessions_.end();) {
      const auto principal = options_.identify.find(it->first);
      const bool denied = !principal && principal.error().code == Errc::denied;
      unsure_ |= !principal && !denied;
      it = denied ? end(it, principal.error()) : std::next(it);
    }
  }

  Sessions::iterator end(Sessions::iterator at, const Error& why) {
    self_->demonitor(at->second);
    self_->send_exit(at->second, to_caf(why));
    return sessions_.erase(at);
  }

  void bind(const std::string& child, const caf::actor& handle) {
    const auto sender = self_->current_sender();
    if (sender && sender->node() != self_->system().node()) return;
    rebind(options_.handles, child, handle);
    for (const auto& [client, session] : sessions_)
      caf::anon_send(session, bind_atom_v, child, handle);
  }

  void stop(const caf::error& reason) {
    for (const auto& [client, session] : sessions_)
      self_->send_exit(session, caf::exit_reason::user_shutdown);
    self_->quit(reason);
  }

  BoundGate::pointer self_;
  GateOptions options_;
  Sessions sessions_;
  bool will_look_ = false;
  bool unsure_ = false;  // The last look did not tell of everybody.
};

}  // namespace

BoundGate spawn_gate(caf::actor_system& sys, GateOptions options) {
  return sys.spawn<BoundGate::stateful_impl<GateState>>(std::move(options));
}

}  // namespace troupe::cluster
