// Slots belong to engines: jobs that one computes together hold one of them.
#include <gmock/gmock.h>

#include "tests/actors/schedule_desk.hpp"

namespace troupe {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr std::uint32_t kBatch = 4;

class ScheduleSlotsTest : public ::testing::Test {
 protected:
  explicit ScheduleSlotsTest(std::uint32_t slots = 2)
      : cpu{device("cpu", slots, 10 * kGiB, {"text", "work"})} {
    desk.up(cpu);
  }
  static ModelUse use(const std::string& model, std::uint32_t batch = kBatch) {
    return {{{model, "weights", kGiB}}, batch};
  }
  JobSpec text() {
    auto s = desk.spec();
    s.kind = "text";
    return s;
  }
  std::vector<JobId> submit(const std::string& model, int count) {
    std::vector<JobId> ids;
    for (int i = 0; i < count; ++i)
      ids.push_back(desk.submit(text(), use(model)));
    return ids;
  }
  /// Those that start of so many.
  std::vector<JobId> started(const std::string& model, int count) {
    submit(model, count);
    return desk.plan();
  }
  std::uint32_t used(const std::string& name = "cpu") const {
    for (const auto& slots : desk.schedule->status().slots)
      if (slots.device == name) return slots.used;
    return ~0u;
  }
  DeviceInfo cpu;
  Desk desk;
};

class ScheduleOneSlotTest : public ScheduleSlotsTest {
 protected:
  ScheduleOneSlotTest() : ScheduleSlotsTest{1} {}
};

TEST_F(ScheduleOneSlotTest, JobsOfAModelJoinItsBatchWhereNoSlotIsFree) {
  EXPECT_THAT(started("a", 1), SizeIs(1));
  EXPECT_EQ(used(), 1u);
  EXPECT_THAT(started("a", 2), SizeIs(2));
  EXPECT_EQ(used(), 1u);
}

TEST_F(ScheduleOneSlotTest, ABatchThatIsFullTakesNoMore) {
  EXPECT_THAT(started("a", kBatch + 1), SizeIs(kBatch));
  EXPECT_EQ(used(), 1u);
}

TEST_F(ScheduleOneSlotTest, AJobOfAnotherModelWaitsForASlot) {
  const auto all = started("a", 3);
  const auto other = submit("b", 1).front();
  EXPECT_THAT(desk.plan(), IsEmpty());
  EXPECT_THAT(desk.why(other), HasSubstr("every slot of cpu is taken (1): 1 by "
                                         "model a (3 jobs, 4 at once)"));
  desk.succeed(all[0]);
  desk.succeed(all[1]);
  EXPECT_THAT(desk.plan(), IsEmpty()) << "one computes yet";
  desk.succeed(all[2]);
  EXPECT_EQ(used(), 0u) << "a model that nobody uses holds no slot";
  EXPECT_THAT(desk.plan(), ElementsAre(other));
}

TEST_F(ScheduleOneSlotTest, SaysHowManyOfABatchOnlyWaitInTheirEngine) {
  const auto all = started("a", 3);
  const auto other = submit("b", 1).front();
  desk.plan();
  const std::string full{kEngineFullNote};
  EXPECT_TRUE(desk.note(desk.tokens.at(all[1]), full));
  EXPECT_TRUE(desk.note(desk.tokens.at(all[2]), full));
  const auto waits =
      HasSubstr("by model a (3 jobs, 4 at once; 2 of them without room");
  EXPECT_THAT(desk.why(other), waits);
  const std::string room{kEngineRoomNote};
  EXPECT_TRUE(desk.note(desk.tokens.at(all[1]), room));
  EXPECT_TRUE(desk.note(desk.tokens.at(all[2]), room));
  EXPECT_THAT(desk.why(other), Not(HasSubstr("without room")));
}

TEST_F(ScheduleOneSlotTest, SaysThatLaterJobsMayJoinABatchUntilASlotIsHeld) {
  started("a", 2);
  const auto other = submit("b", 1).front();
  EXPECT_THAT(desk.plan(), IsEmpty());
  const auto passing = HasSubstr(
      "later jobs may start before it all the same where they join those that "
      "run with a on cpu (2 of 4)");
  EXPECT_THAT(desk.why(other), passing);
  EXPECT_THAT(started("a", 1), SizeIs(1)) << "as it was said";
  EXPECT_THAT(started("a", 1), SizeIs(1));
  EXPECT_THAT(desk.why(other), Not(HasSubstr("later jobs"))) << "it is full";
}

TEST_F(ScheduleOneSlotTest, NobodyPassesAJobThatADeviceIsHeldFor) {
  started("a", 2);
  const auto other = submit("b", 1).front();
  desk.plan();
  desk.advance(SchedulerLimits{}.hold_after_ms);
  desk.plan();
  EXPECT_THAT(desk.why(other), HasSubstr("device cpu is held for it"));
  EXPECT_THAT(desk.why(other), Not(HasSubstr("later jobs")));
  EXPECT_THAT(started("a", 1), IsEmpty());
}

TEST_F(ScheduleOneSlotTest, AJobWithoutAModelWaitsForASlot) {
  const auto text = started("a", 1).front();
  const auto plain = desk.submit();
  EXPECT_THAT(desk.plan(), IsEmpty());
  desk.succeed(text);
  EXPECT_THAT(desk.plan(), ElementsAre(plain));
}

TEST_F(ScheduleSlotsTest, WhatABatchCannotTakeHoldsASecondSlot) {
  const auto plain = desk.submit();
  EXPECT_THAT(desk.plan(), ElementsAre(plain));
  EXPECT_THAT(started("a", kBatch + 1), SizeIs(kBatch))
      << "the second slot is another job's";
  EXPECT_EQ(used(), 2u);
  desk.succeed(plain);
  EXPECT_EQ(used(), 1u);
  EXPECT_THAT(desk.plan(), SizeIs(1));
  EXPECT_EQ(used(), 2u);
  EXPECT_THAT(started("a", kBatch), SizeIs(kBatch - 1)) << "and it is joined";
  EXPECT_EQ(used(), 2u);
}

TEST_F(ScheduleSlotsTest, TheEndOfWhatABatchCouldNotTakeFreesItsSlot) {
  const auto all = started("a", kBatch + 1);
  const auto plain = desk.submit();
  EXPECT_THAT(desk.plan(), IsEmpty());
  desk.succeed(all[0]);
  EXPECT_EQ(used(), 1u) << "whichever of them it was";
  EXPECT_THAT(desk.plan(), ElementsAre(plain));
}

TEST_F(ScheduleSlotsTest, TwoModelsHoldASlotEach) {
  EXPECT_THAT(started("a", 3), SizeIs(3));
  EXPECT_THAT(started("b", 3), SizeIs(3));
  EXPECT_EQ(used(), 2u);
  EXPECT_THAT(started("c", 1), IsEmpty());
}

TEST_F(ScheduleSlotsTest, UsersOfAModelThatComputesOneAtATimeHoldASlotEach) {
  for (int i = 0; i < 3; ++i) desk.submit(text(), use("a", 1));
  EXPECT_THAT(desk.plan(), SizeIs(2));
  EXPECT_EQ(used(), 2u);
}

TEST_F(ScheduleSlotsTest, JobsWithoutAModelHoldASlotEach) {
  for (int i = 0; i < 3; ++i) desk.submit();
  EXPECT_THAT(desk.plan(), SizeIs(2));
  EXPECT_EQ(used(), 2u);
}

TEST_F(ScheduleOneSlotTest, WhoeverEndsHoweverLeavesTheBatch) {
  const auto all = started("a", kBatch);
  desk.succeed(all[0]);
  desk.fail(all[1], FailureClass::invalid);
  desk.cancel(all[2]);
  EXPECT_TRUE(desk.end(all[2], {JobState::cancelled, {}, {}, {}}));
  desk.advance(SchedulerLimits{}.lease_ms);  // all[3] is not heard of.
  EXPECT_EQ(used(), 0u);
}

TEST_F(ScheduleOneSlotTest, ARefusedReservationLeavesTheBatch) {
  desk.ledger.set_device("cpu", 1);  // Less than the schedule believes.
  EXPECT_THAT(started("a", 1), IsEmpty());
  EXPECT_EQ(used(), 0u);
}

TEST_F(ScheduleOneSlotTest, ADeviceThatGoesTakesItsSlotsAlong) {
  started("a", 2);
  desk.down("cpu");
  EXPECT_THAT(desk.schedule->status().slots, IsEmpty());
  desk.up(cpu);
  EXPECT_EQ(used(), 0u);
}

TEST_F(ScheduleSlotsTest, ARestartedSchedulerCountsTheSameSlots) {
  EXPECT_THAT(started("a", kBatch + 1), SizeIs(kBatch + 1));
  desk.restart();
  desk.up(cpu);
  EXPECT_EQ(used(), 2u);
  const auto plain = desk.submit();
  EXPECT_THAT(desk.plan(), IsEmpty());
  EXPECT_THAT(started("a", kBatch), SizeIs(kBatch - 1));
  for (const auto& [id, token] : desk.tokens) desk.succeed(id);
  EXPECT_THAT(desk.plan(), SizeIs(2)) << "what waited: a text, and no model";
  EXPECT_EQ(desk.state(plain), JobState::running);
}

TEST_F(ScheduleSlotsTest, ARestartedSchedulerLearnsABatchWithItsDevice) {
  ModelUse gpus;  // Nothing for a CPU: a device of no known class counts so.
  gpus.model = "a";
  gpus.other.why_not = "not on CPUs";
  gpus.classes = {{"class-gpu", use("a").other.parts, {}, kBatch}};
  const auto gpu = device("gpu", 1, 10 * kGiB, {"text"});
  desk.up(gpu);
  for (std::uint32_t i = 0; i < kBatch; ++i) desk.submit(text(), gpus);
  EXPECT_THAT(desk.plan(), SizeIs(kBatch));
  desk.restart();
  desk.up(gpu);
  EXPECT_EQ(used("gpu"), 1u);
}

TEST_F(ScheduleSlotsTest, OfDevicesAlikeTheOneThatComputesLessIsTaken) {
  desk.up(device("other", 2, 10 * kGiB, {"text"}));
  const auto all = started("a", 1);
  const auto first = desk.where.at(all[0]);
  auto there = text();
  there.device = first == "cpu" ? "other" : "cpu";
  const auto second = desk.submit(there, use("a"));
  EXPECT_THAT(desk.plan(), ElementsAre(second));
  desk.fail(second, FailureClass::invalid);  // Measures nothing.
  const auto third = started("a", 1).at(0);
  EXPECT_EQ(desk.where.at(third), there.device)
      << "both have the model; one has a user";
}

TEST_F(ScheduleOneSlotTest, WhoSharesASlotIsToldSo) {
  const auto all = started("a", 1);
  EXPECT_THAT(desk.why(all[0]), HasSubstr("it holds a slot there"));
  started("a", 2);
  EXPECT_THAT(desk.why(all[0]),
              HasSubstr("it shares 1 slot with 2 others of its model, which "
                        "computes 4 at once"));
}

// -- a batch that is joined again and again -----------------------------------

/// One job of model a runs, others join as long as they may.
class ScheduleBusyBatchTest : public ScheduleOneSlotTest {
 protected:
  static constexpr SteadyMs kHoldAfter = SchedulerLimits{}.hold_after_ms;

  ScheduleBusyBatchTest() { running = started("a", 1); }
  /// One joins, one ends: never is nobody there.
  bool goes_on() {
    const auto next = started("a", 1);
    if (next.empty()) return false;
    desk.succeed(running.front());
    running = next;
    return true;
  }
  std::vector<JobId> running;
};

TEST_F(ScheduleBusyBatchTest, LetsAnotherModelsJobInAfterAWhile) {
  const auto other = submit("b", 1).front();
  ASSERT_TRUE(goes_on());
  desk.advance(kHoldAfter - 1);
  ASSERT_TRUE(goes_on()) << "a younger one may pass it for a while";
  desk.advance(1);
  EXPECT_FALSE(goes_on());
  EXPECT_THAT(desk.why(other), HasSubstr("cpu is held for it until it fits"));
  desk.succeed(running.front());
  EXPECT_THAT(desk.plan(), ElementsAre(other));
}

TEST_F(ScheduleBusyBatchTest, LetsAJobWithoutAModelInAfterAWhile) {
  const auto other = desk.submit();
  ASSERT_TRUE(goes_on());
  desk.advance(kHoldAfter);
  EXPECT_FALSE(goes_on());
  desk.succeed(running.front());
  EXPECT_THAT(desk.plan(), ElementsAre(other));
}

TEST_F(ScheduleBusyBatchTest, IsStillJoinedByWhoRanksHigher) {
  submit("b", 1);
  ASSERT_TRUE(goes_on());
  desk.advance(kHoldAfter);
  ASSERT_FALSE(goes_on());
  auto urgent = text();
  urgent.priority = Priority::high;
  const auto id = desk.submit(urgent, use("a"));
  EXPECT_THAT(desk.plan(), ElementsAre(id));
}

TEST_F(ScheduleOneSlotTest, AJobThatWaitsItsTurnAmongOthersHoldsNothing) {
  const auto first = desk.submit();
  const auto second = desk.submit();
  EXPECT_THAT(desk.plan(), ElementsAre(first));
  desk.advance(SchedulerLimits{}.hold_after_ms);
  desk.plan();
  EXPECT_THAT(desk.why(second), Not(HasSubstr("is held")));
  EXPECT_THAT(desk.why(second), HasSubstr("every slot of cpu is taken (1)\n"));
}

}  // namespace
}  // namespace troupe
