#include "tests/support/sim_coordinator.hpp"

#include <gtest/gtest.h>
#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>

#include <chrono>
#include <string>
#include <vector>

namespace troupe::test {
namespace {

// Each of `names` says its name `times` times, one per message.
std::string order_of_words(std::uint64_t seed, const std::string& names,
                           int times) {
  SimCoordinator coordinator{seed};
  std::string said;
  std::vector<caf::actor> actors;
  for (const char name : names)
    actors.push_back(coordinator.system().spawn(
        [&said, name](caf::event_based_actor*) -> caf::behavior {
          return {[&said, name](int) { said.push_back(name); }};
        }));
  for (int i = 0; i < times; ++i)
    for (const auto& actor : actors) caf::anon_send(actor, i);
  while (coordinator.step()) {
  }
  return said;
}

TEST(SimCoordinator, RunsTheSameOrderUnderTheSameSeed) {
  EXPECT_EQ(order_of_words(7, "abcde", 20), order_of_words(7, "abcde", 20));
}

TEST(SimCoordinator, RunsAnotherOrderUnderAnotherSeed) {
  EXPECT_NE(order_of_words(7, "abcde", 20), order_of_words(8, "abcde", 20));
}

TEST(SimCoordinator, LetsEveryReadyActorGoFirstUnderSomeSeed) {
  std::string firsts;
  for (std::uint64_t seed = 0; seed < 40; ++seed)
    firsts.push_back(order_of_words(seed, "abc", 1).front());
  EXPECT_NE(firsts.find('a'), std::string::npos);
  EXPECT_NE(firsts.find('b'), std::string::npos);
  EXPECT_NE(firsts.find('c'), std::string::npos);
}

TEST(SimCoordinator, KeepsOneActorsMessagesInOrder) {
  SimCoordinator coordinator{1};
  std::vector<int> heard;
  const auto actor = coordinator.system().spawn(
      [&heard](caf::event_based_actor*) -> caf::behavior {
        return {[&heard](int x) { heard.push_back(x); }};
      });
  for (int i = 0; i < 5; ++i) caf::anon_send(actor, i);
  while (coordinator.step()) {
  }
  EXPECT_EQ(heard, (std::vector<int>{0, 1, 2, 3, 4}));
}

TEST(SimCoordinator, MovesTimeOnlyWhenToldTo) {
  SimCoordinator coordinator{1};
  bool rang = false;
  const auto actor = coordinator.system().spawn(
      [&rang](caf::event_based_actor* self) -> caf::behavior {
        self->run_delayed(std::chrono::milliseconds{30},
                          [&rang] { rang = true; });
        return {[](int) {}};
      });
  while (coordinator.step()) {
  }
  EXPECT_EQ(coordinator.until_next_timer_ms(), 30);
  coordinator.advance(29);
  while (coordinator.step()) {
  }
  EXPECT_FALSE(rang);
  coordinator.advance(1);
  while (coordinator.step()) {
  }
  EXPECT_TRUE(rang);
  EXPECT_EQ(coordinator.wall_clock().now(), SimCoordinator::kBeginMs + 30);
}

TEST(SimCoordinator, EndsThoughAnActorTicksForEver) {
  SimCoordinator coordinator{1};
  struct Ticker : caf::event_based_actor {
    using caf::event_based_actor::event_based_actor;
    caf::behavior make_behavior() override {
      tick();
      return {[](int) {}};
    }
    void tick() {
      run_delayed(std::chrono::milliseconds{1}, [this] { tick(); });
    }
  };
  coordinator.system().spawn<Ticker>();
  while (coordinator.step()) {
  }
  EXPECT_TRUE(coordinator.until_next_timer_ms());
}

}  // namespace
}  // namespace troupe::test
