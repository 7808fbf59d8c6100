#include "actors/supervisor.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/restart_policy.hpp"
#include "tests/support/actor_test.hpp"

namespace troupe {
namespace {

using namespace std::chrono_literals;

// -- the rule -----------------------------------------------------------------

TEST(RestartPolicy, FirstAtOnceThenWithAGrowingPause) {
  RestartPolicy policy{{.intensity = 5,
                        .period_ms = 10'000,
                        .backoff_ms = 100,
                        .max_backoff_ms = 300}};
  EXPECT_EQ(policy.on_exit("a", 0), 0);
  EXPECT_EQ(policy.on_exit("a", 1), 100);
  EXPECT_EQ(policy.on_exit("a", 2), 200);
  EXPECT_EQ(policy.on_exit("a", 3), 300) << "capped";
  EXPECT_EQ(policy.on_exit("b", 3), 0) << "each child by itself";
}

TEST(RestartPolicy, EscalatesAtTheIntensityAndForgetsAfterThePeriod) {
  RestartPolicy policy{{.intensity = 2, .period_ms = 1'000, .backoff_ms = 0}};
  EXPECT_TRUE(policy.on_exit("a", 0));
  EXPECT_TRUE(policy.on_exit("a", 10));
  EXPECT_FALSE(policy.on_exit("a", 999));
  EXPECT_TRUE(policy.on_exit("a", 1'000)) << "the first one is past";
}

// -- the actor ----------------------------------------------------------------

class SupervisorTest : public test::ActorTest {
 protected:
  struct Heard {
    std::vector<std::string> events;
  };
  // Shared: the children outlive any one line of a test.
  std::shared_ptr<Heard> heard = std::make_shared<Heard>();
  Children now;  // What runs, as the newest start saw it.
  caf::actor last_started;

  ChildSpec child(std::string name, std::vector<std::string> uses = {}) {
    return {.name = name,
            .start =
                [this, name](const Children& running) {
                  now = running;
                  heard->events.push_back("start " + name);
                  last_started = spawn_child(name);
                  return last_started;
                },
            .uses = std::move(uses)};
  }

  caf::actor spawn_child(const std::string& name) {
    return sys.spawn(
        [heard = heard, name](caf::event_based_actor* child) -> caf::behavior {
          child->set_exit_handler([=](const caf::exit_msg& msg) {
            heard->events.push_back("stop " + name);
            child->quit(msg.reason);
          });
          return {[=](bind_atom, const std::string& who, const caf::actor&) {
                    heard->events.push_back(name + " told of " + who);
                  },
                  [=](step_atom) { child->quit(caf::exit_reason::unknown); }};
        });
  }

  SupervisorActor spawn(std::vector<ChildSpec> children,
                        RestartLimits limits = {}) {
    auto supervisor = spawn_supervisor(
        sys, {.children = std::move(children), .limits = limits});
    settle();
    return supervisor;
  }

  void crash(const caf::actor& child) {
    caf::anon_send(child, step_atom_v);
    settle();
  }

  void stop(const SupervisorActor& supervisor) {
    auto pending = self->request(supervisor, caf::infinite, stop_atom_v);
    settle();
    pending.receive([] {}, [](caf::error& e) { FAIL() << to_string(e); });
  }
};

TEST_F(SupervisorTest, StartsInOrderAndStopsInReverse) {
  auto supervisor = spawn({child("a"), child("b"), child("c")});
  stop(supervisor);
  EXPECT_EQ(heard->events,
            (std::vector<std::string>{"start a", "start b", "start c", "stop c",
                                      "stop b", "stop a"}));
}

TEST_F(SupervisorTest, RestartsTheOneThatEndedAndTellsItsUsers) {
  auto supervisor = spawn({child("a"), child("b", {"a"}), child("c")});
  const auto a = now.at("a");
  heard->events.clear();
  crash(a);
  advance(1ms);
  EXPECT_EQ(heard->events,
            (std::vector<std::string>{"start a", "b told of a"}));
  auto status = ask<std::vector<ChildStatus>>(supervisor, status_atom_v);
  ASSERT_TRUE(status);
  EXPECT_EQ(status->at(0).restarts, 1u);
  EXPECT_TRUE(status->at(0).running);
  EXPECT_EQ(status->at(1).restarts, 0u);
  stop(supervisor);
}

TEST_F(SupervisorTest, ACrashLoopEndsTheSupervisorWithItsName) {
  auto supervisor = spawn({child("a")}, {.intensity = 1, .backoff_ms = 0});
  self->monitor(supervisor);
  crash(last_started);
  advance(1ms);
  crash(last_started);
  std::string why;
  self->receive(
      [&](const caf::down_msg& down) { why = from_caf(down.reason).message; });
  EXPECT_NE(why.find("a ends again and again"), std::string::npos) << why;
}

TEST_F(SupervisorTest, SaysOnceWhyAChildDoesNotStart) {
  std::vector<std::string> told;
  int starts = 0;
  auto supervisor = spawn_supervisor(
      sys, {.children = {{.name = "broken",
                          .start = [&](const Children&) -> caf::actor {
                            if (++starts < 4)
                              throw std::runtime_error("no disk");
                            return spawn_child("broken");
                          }}},
            .limits = {.intensity = 9, .backoff_ms = 0},
            .tell = [&](const std::string& line) { told.push_back(line); }});
  settle();
  for (int i = 0; i < 4; ++i) advance(1ms);
  EXPECT_EQ(starts, 4);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_NE(told[0].find("no disk"), std::string::npos) << told[0];
  stop(supervisor);
}

TEST_F(SupervisorTest, AStartThatThrowsCountsAsAnExit) {
  auto supervisor = spawn_supervisor(
      sys, {.children = {{.name = "broken",
                          .start = [](const Children&) -> caf::actor {
                            throw std::runtime_error("no disk");
                          }}},
            .limits = {.intensity = 1, .backoff_ms = 0}});
  self->monitor(supervisor);
  settle();
  advance(1ms);
  advance(1ms);
  std::string why;
  self->receive(
      [&](const caf::down_msg& down) { why = from_caf(down.reason).message; });
  EXPECT_NE(why.find("no disk"), std::string::npos) << why;
}

}  // namespace
}  // namespace troupe
