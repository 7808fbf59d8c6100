// Models on devices: one copy for all who use it, gone when nobody does.
#include <gmock/gmock.h>

#include "tests/actors/schedule_desk.hpp"

namespace troupe {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ScheduleModelsTest : public ::testing::Test {
 protected:
  ScheduleModelsTest() {
    desk.up(device("cpu", 4, 10 * kGiB, {"text", "work"}));
  }
  JobSpec text() {
    auto s = desk.spec();
    s.kind = "text";
    return s;
  }
  std::vector<ModelPart> parts(const std::string& model) const {
    const auto gib = sizes.at(model);
    return {{model, "weights", (gib - 1) * kGiB}, {model, "kv", kGiB}};
  }
  JobId submit(const std::string& model) {
    return desk.submit(text(), parts(model));
  }
  JobId running(const std::string& model) {
    const auto id = submit(model);
    EXPECT_THAT(desk.plan(), ElementsAre(id));
    return id;
  }
  std::uint64_t reserved_gib() const { return desk.reserved_bytes() / kGiB; }
  Desk desk;
  std::map<std::string, std::uint64_t> sizes{
      {"a", 4}, {"b", 5}, {"c", 2}, {"d", 7}, {"huge", 11}};
};

TEST_F(ScheduleModelsTest, CountAModelOnceForAllWhoUseIt) {
  const auto one = running("a");
  EXPECT_EQ(reserved_gib(), 4u);
  const auto two = running("a");
  EXPECT_EQ(reserved_gib(), 4u);
  EXPECT_EQ(desk.started.at(two).memory_bytes, 4 * kGiB);
  EXPECT_THAT(desk.why(two), HasSubstr("uses model a there (4 GiB, shared "
                                       "with 1 other"));
  desk.succeed(one);
  desk.succeed(two);
  EXPECT_EQ(reserved_gib(), 4u) << "it is still there";
}

TEST_F(ScheduleModelsTest, AJobsOwnMemoryIsReservedBesideItsModels) {
  auto greedy = text();
  greedy.memory_bytes = 2 * kGiB;
  const auto id = desk.submit(greedy, parts("a"));
  desk.plan();
  EXPECT_EQ(reserved_gib(), 6u);
  desk.succeed(id);
  EXPECT_EQ(reserved_gib(), 4u);
}

TEST_F(ScheduleModelsTest, GiveAModelBackThatNobodyUsesForAMinute) {
  const auto id = running("a");
  desk.advance(10'000);
  desk.succeed(id);
  desk.advance(59'999);
  EXPECT_TRUE(desk.drops.empty());
  EXPECT_TRUE(desk.wake());
  ASSERT_EQ(desk.drops.size(), 1u);
  EXPECT_EQ(desk.drops[0].device, "cpu");
  EXPECT_EQ(desk.drops[0].kind, "text");
  EXPECT_EQ(desk.drops[0].model, "a");
  EXPECT_EQ(reserved_gib(), 4u) << "until the device says that it is gone";
  desk.answer_drops();
  EXPECT_EQ(desk.reserved_bytes(), 0u);
  EXPECT_FALSE(desk.wake()) << "nothing is left to wait for";
}

TEST_F(ScheduleModelsTest, AReplacedModelGoesBeforeTheNewOneIsUsed) {
  desk.succeed(running("a"));
  sizes["a"] = 6;
  const auto id = submit("a");
  desk.advance(0);
  EXPECT_TRUE(desk.plan().empty());
  ASSERT_EQ(desk.drops.size(), 1u);
  desk.answer_drops();
  EXPECT_THAT(desk.plan(), ElementsAre(id));
  EXPECT_EQ(reserved_gib(), 6u);
}

TEST_F(ScheduleModelsTest, UseKeepsAModel) {
  desk.succeed(running("a"));
  desk.advance(59'000);
  const auto id = running("a");
  for (int i = 0; i < 6; ++i) {
    desk.advance(10'000);
    desk.renew(id);
  }
  EXPECT_TRUE(desk.drops.empty());
  desk.succeed(id);
  desk.advance(59'999);
  EXPECT_TRUE(desk.drops.empty());
}

TEST_F(ScheduleModelsTest, MakeRoomForAJobByGivingIdleModelsBack) {
  desk.succeed(running("a"));
  desk.advance(1'000);
  desk.succeed(running("b"));
  EXPECT_EQ(reserved_gib(), 9u);
  const auto id = submit("c");
  EXPECT_TRUE(desk.plan().empty());
  ASSERT_EQ(desk.drops.size(), 1u) << "no more than it needs";
  EXPECT_EQ(desk.drops[0].model, "a") << "the one that was idle longest";
  EXPECT_THAT(desk.why(id), HasSubstr("model a (4 GiB, being given back)"));
  EXPECT_TRUE(desk.plan().empty());
  EXPECT_EQ(desk.drops.size(), 1u) << "and does not ask twice";
  desk.answer_drops();
  EXPECT_THAT(desk.plan(), ElementsAre(id));
  EXPECT_EQ(reserved_gib(), 7u);
  EXPECT_THAT(desk.why(id), HasSubstr("given back: a"));
}

TEST_F(ScheduleModelsTest, NoModelInUseIsGivenBack) {
  running("a");
  const auto id = submit("d");
  EXPECT_TRUE(desk.plan().empty());
  EXPECT_TRUE(desk.drops.empty());
  EXPECT_THAT(desk.why(id), HasSubstr("model a (4 GiB, in use)"));
}

TEST_F(ScheduleModelsTest, PlainMemoryMakesRoomToo) {
  desk.succeed(running("a"));
  auto big = desk.spec();
  big.memory_bytes = 8 * kGiB;
  const auto id = desk.submit(big);
  EXPECT_TRUE(desk.plan().empty());
  desk.answer_drops();
  EXPECT_THAT(desk.plan(), ElementsAre(id));
}

TEST_F(ScheduleModelsTest, AModelThatLeavesIsNotUsedBeforeItIsLoadedAgain) {
  desk.succeed(running("a"));
  desk.advance(60'000);
  ASSERT_EQ(desk.drops.size(), 1u);
  const auto id = submit("a");
  EXPECT_TRUE(desk.plan().empty());
  EXPECT_THAT(desk.why(id), HasSubstr("is being given back on cpu"));
  desk.answer_drops();
  EXPECT_THAT(desk.plan(), ElementsAre(id));
  EXPECT_EQ(reserved_gib(), 4u);
}

TEST_F(ScheduleModelsTest, AModelWithUsersIsTheirsWhateverTheDeviceSays) {
  const auto id = running("a");
  desk.act([&](Decisions& out) {
    desk.schedule->dropped({"cpu", "text", "a"}, out);
  });
  EXPECT_EQ(reserved_gib(), 4u);
  desk.succeed(id);
  EXPECT_EQ(reserved_gib(), 4u);
}

TEST_F(ScheduleModelsTest, GoWithTheirDevice) {
  running("a");
  desk.succeed(running("b"));
  desk.down("cpu");
  EXPECT_EQ(desk.reserved_bytes(), 0u);
}

TEST_F(ScheduleModelsTest, AJobThatIsTakenBackLeavesNothingReserved) {
  Decisions asked;
  const auto id = submit("a");
  desk.schedule->plan(desk.now, asked);
  ASSERT_EQ(asked.reserves.size(), 1u);
  desk.cancel(id);  // Before the ledger has answered.
  desk.absorb(asked);
  EXPECT_EQ(reserved_gib(), 4u) << "granted for nobody, so it is idle";
  desk.advance(60'000);
  desk.answer_drops();
  EXPECT_EQ(desk.reserved_bytes(), 0u);
}

TEST_F(ScheduleModelsTest, ARefusedReservationHoldsNothing) {
  desk.ledger.set_device("cpu", kGiB);  // Less than the schedule believes.
  const auto id = submit("a");
  EXPECT_TRUE(desk.plan().empty());
  EXPECT_EQ(desk.reserved_bytes(), 0u);
  desk.ledger.set_device("cpu", 10 * kGiB);
  EXPECT_TRUE(desk.wake());
  EXPECT_EQ(desk.state(id), JobState::running);
}

TEST_F(ScheduleModelsTest, PreferADeviceThatHasTheModel) {
  desk.up(device("gpu", 4, 20 * kGiB, {"text"}));
  auto there = text();
  there.device = "gpu";
  const auto first = desk.submit(there, parts("a"));
  desk.plan();
  desk.succeed(first);
  const auto id = running("a");
  EXPECT_EQ(desk.where.at(id), "gpu");
}

TEST_F(ScheduleModelsTest, AModelThatFitsNowhereIsRefusedWithTheFigures) {
  const auto outcome = desk.offer(text(), parts("huge"));
  ASSERT_TRUE(outcome.answer.error);
  EXPECT_EQ(outcome.answer.error->code, Errc::invalid_argument);
  ASSERT_EQ(outcome.answer.error->faults.size(), 1u);
  EXPECT_EQ(outcome.answer.error->faults[0].path, "model");
  EXPECT_THAT(outcome.answer.error->faults[0].message,
              HasSubstr("takes 11 GiB; the largest device for it, cpu, lends "
                        "10 GiB"));
}

TEST_F(ScheduleModelsTest, ARestartedSchedulerTakesUpWhatRuns) {
  const auto id = running("a");
  desk.restart();
  desk.up(device("cpu", 4, 10 * kGiB, {"text", "work"}));
  const auto two = submit("a");
  EXPECT_THAT(desk.plan(), ElementsAre(two));
  EXPECT_EQ(reserved_gib(), 4u);
  desk.succeed(id);
  desk.succeed(two);
  desk.advance(60'000);
  desk.answer_drops();
  EXPECT_EQ(desk.reserved_bytes(), 0u);
}

TEST_F(ScheduleModelsTest, ALedgerThatBeganAnewLearnsWhatIsIdle) {
  desk.succeed(running("a"));
  const auto idle = desk.schedule->idle_models();
  ASSERT_EQ(idle.size(), 1u);
  Ledger anew;
  anew.set_device("cpu", 10 * kGiB);
  ASSERT_TRUE(anew.reserve(idle[0]));
  anew.release(idle[0].owner, "cpu");
  EXPECT_EQ(anew.report()[0].reserved_bytes, 4 * kGiB);
}

}  // namespace
}  // namespace troupe
