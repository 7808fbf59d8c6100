#include "actors/supervisor.hpp"

#include <caf/exit_reason.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <algorithm>
#include <chrono>
#include <exception>

#include "actors/errors.hpp"

namespace troupe {
namespace {

// (wake_atom, child, generation): restart it now, or kill it if it still runs.
using SelfActor =
    SupervisorActor::extend<caf::result<void>(wake_atom, std::uint64_t),
                            caf::result<void>(flush_atom, std::uint64_t,
                                              std::uint64_t)>;

struct Child {
  ChildSpec spec;
  caf::actor handle;
  std::uint32_t restarts = 0;
  std::uint64_t starts = 0;  // Tells one life from the next.
  std::string last_exit;
  std::string told;  // Of it, the newest reason.
};

class SupervisorState {
 public:
  static inline const char* name = "troupe.supervisor";

  SupervisorState(SelfActor::pointer self, SupervisorOptions options)
      : self_{self},
        policy_{options.limits},
        clock_{options.clock},
        tell_{std::move(options.tell)} {
    for (auto& spec : options.children)
      children_.push_back({.spec = std::move(spec),
                           .handle = {},
                           .restarts = 0,
                           .starts = 0,
                           .last_exit = {},
                           .told = {}});
  }

  SelfActor::behavior_type make_behavior() {
    self_->set_down_handler(
        [this](const caf::down_msg& down) { on_down(down); });
    for (std::size_t i = 0; i < children_.size(); ++i) start(i);
    return {
        [this](barrier_atom) { return wait_until_up(); },
        [this](status_atom) { return status(); },
        [this](stop_atom) { return stop(); },
        [this](wake_atom, std::uint64_t child) {
          if (!stopping_ && !children_[child].handle) start(child);
        },
        [this](flush_atom, std::uint64_t child, std::uint64_t life) {
          kill_if_still(child, life);
        },
    };
  }

 private:
  void start(std::size_t i) {
    if (stopping_) return;
    auto& child = children_[i];
    try {
      child.handle = child.spec.start(running());
    } catch (const std::exception& e) {
      child.last_exit = e.what();
    }
    ++child.starts;
    if (!child.handle) return restart_later(i);
    self_->monitor(child.handle);
    if (child.starts > 1) announce(child);
    if (all_up())
      for (auto& waiting : std::exchange(waiting_, {})) waiting.deliver();
  }

  Children running() const {
    Children up;
    for (const auto& child : children_)
      if (child.handle) up.emplace(child.spec.name, child.handle);
    return up;
  }

  bool all_up() const {
    return std::ranges::all_of(children_,
                               [](const Child& c) { return bool{c.handle}; });
  }

  void announce(const Child& fresh) {
    for (const auto& other : children_)
      if (other.handle && std::ranges::count(other.spec.uses, fresh.spec.name))
        caf::anon_send(other.handle, bind_atom_v, fresh.spec.name,
                       fresh.handle);
  }

  void on_down(const caf::down_msg& down) {
    auto it = std::ranges::find_if(children_, [&](const Child& c) {
      return c.handle && c.handle.address() == down.source;
    });
    if (it == children_.end()) return;
    it->handle = {};
    it->last_exit = from_caf(down.reason).message;
    if (stopping_) return stop_next();
    restart_later(static_cast<std::size_t>(it - children_.begin()));
  }

  void restart_later(std::size_t i) {
    auto& child = children_[i];
    auto wait = policy_.on_exit(child.spec.name, clock_->now());
    if (!wait) return escalate(child);
    if (tell_ && std::exchange(child.told, child.last_exit) != child.last_exit)
      tell_(child.spec.name +
            " does not run and is started again: " + child.last_exit);
    ++child.restarts;
    self_->delayed_send(self_, std::chrono::milliseconds(*wait), wake_atom_v,
                        std::uint64_t{i});
  }

  void escalate(const Child& child) {
    const Error why{
        Errc::internal,
        child.spec.name + " ends again and again; last: " + child.last_exit};
    for (auto& other : children_)
      if (other.handle)
        self_->send_exit(other.handle, caf::exit_reason::user_shutdown);
    for (auto& waiting : std::exchange(waiting_, {}))
      waiting.deliver(to_caf(why));
    self_->quit(to_caf(why));
  }

  caf::result<void> wait_until_up() {
    if (all_up()) return caf::unit;
    auto promise = self_->make_response_promise<void>();
    waiting_.push_back(promise);
    return promise;
  }

  std::vector<ChildStatus> status() const {
    std::vector<ChildStatus> out;
    for (const auto& c : children_)
      out.push_back({.name = c.spec.name,
                     .running = bool{c.handle},
                     .restarts = c.restarts,
                     .last_exit = c.last_exit});
    return out;
  }

  caf::result<void> stop() {
    auto promise = self_->make_response_promise<void>();
    stopped_.push_back(promise);
    if (!std::exchange(stopping_, true)) stop_next();
    return promise;
  }

  // Last started, first stopped: each one's users are gone before it is.
  void stop_next() {
    for (auto i = children_.size(); i-- > 0;) {
      auto& child = children_[i];
      if (!child.handle) continue;
      self_->send_exit(child.handle, caf::exit_reason::user_shutdown);
      self_->delayed_send(self_,
                          std::chrono::milliseconds(child.spec.stop_grace_ms),
                          flush_atom_v, std::uint64_t{i}, child.starts);
      return;
    }
    for (auto& promise : std::exchange(stopped_, {})) promise.deliver();
    self_->quit(caf::exit_reason::user_shutdown);
  }

  void kill_if_still(std::size_t i, std::uint64_t life) {
    auto& child = children_[i];
    if (child.handle && child.starts == life)
      self_->send_exit(child.handle, caf::exit_reason::kill);
  }

  SelfActor::pointer self_;
  RestartPolicy policy_;
  const SteadyClock* clock_;
  const std::function<void(const std::string&)> tell_;
  std::vector<Child> children_;
  std::vector<caf::typed_response_promise<void>> waiting_;  // For all_up().
  std::vector<caf::typed_response_promise<void>> stopped_;
  bool stopping_ = false;
};

}  // namespace

SupervisorActor spawn_supervisor(caf::actor_system& sys,
                                 SupervisorOptions options) {
  return sys.spawn<SelfActor::stateful_impl<SupervisorState>>(
      std::move(options));
}

}  // namespace troupe
