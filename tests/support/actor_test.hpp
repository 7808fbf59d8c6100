// A GoogleTest fixture in which actors run only when the test says so: no
// threads, no sleeping, no real clock.
#pragma once

#include <gtest/gtest.h>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/config.hpp>
#include <caf/init_global_meta_objects.hpp>
#include <caf/scoped_actor.hpp>

#include "actors/errors.hpp"

#include <caf/scheduler/test_coordinator.hpp>

namespace troupe::test {

class ActorTest : public ::testing::Test {
  struct Config : caf::actor_system_config {
    Config() { set("caf.scheduler.policy", "testing"); }
  } cfg_;
  caf::actor_system sys_{cfg_};
  caf::scheduler::test_coordinator& sched() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(sys_.scheduler());
  }

 protected:
  caf::actor_system& sys = sys_;
  void settle() { sched().run(); }
  void advance(caf::timespan by) {
    sched().advance_time(by);
    settle();
  }

  caf::scoped_actor self{sys};  // A client outside the system under test.

  /// Sends a request as `from`, lets the system settle, returns the reply.
  template <class T, class Handle, class... Ts>
  Result<T> ask_as(caf::scoped_actor& from, const Handle& to, Ts&&... xs) {
    auto pending = from->request(to, caf::infinite, std::forward<Ts>(xs)...);
    settle();
    Result<T> result = Error{Errc::unavailable, "no reply"};
    pending.receive([&](T& x) { result = std::move(x); },
                    [&](caf::error& e) { result = from_caf(e); });
    return result;
  }

  template <class T, class Handle, class... Ts>
  Result<T> ask(const Handle& to, Ts&&... xs) {
    return ask_as<T>(self, to, std::forward<Ts>(xs)...);
  }
};

}  // namespace troupe::test
