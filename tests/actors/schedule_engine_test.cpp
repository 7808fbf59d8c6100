// Attempts that wait in their engine for room, or end with its process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/loss.hpp"
#include "tests/actors/schedule_desk.hpp"

namespace troupe {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ScheduleEngineTest : public DeskTest {
 protected:
  /// While `id` beats.
  void pass(JobId id, SteadyMs ms) {
    for (; ms > 0; ms -= 1'000) {
      desk.renew(id);
      desk.advance(1'000);
    }
  }
};

TEST_F(ScheduleEngineTest, TheTimeLimitDoesNotCountTheWaitForRoomInAnEngine) {
  JobSpec s = desk.spec();
  s.timeout_ms = 5'000;
  const JobId id = running(s);
  const Token token = desk.tokens.at(id);
  pass(id, 2'000);
  EXPECT_TRUE(desk.note(token, std::string(kEngineFullNote)));
  EXPECT_TRUE(desk.note(token, std::string(kEngineFullNote))) << "it stays one";
  pass(id, 60'000);
  EXPECT_FALSE(desk.told_to_stop(id, StopReason::timeout));
  constexpr auto kWaits = "for the last 60 s it waits in its engine";
  EXPECT_NE(desk.why(id).find(kWaits), std::string::npos) << desk.why(id);
  EXPECT_TRUE(desk.note(token, std::string(kEngineRoomNote)));
  EXPECT_EQ(desk.why(id).find("waits in its engine"), std::string::npos);
  EXPECT_TRUE(desk.note(token, std::string(kEngineRoomNote)));
  pass(id, 2'000);
  EXPECT_FALSE(desk.told_to_stop(id, StopReason::timeout));
  pass(id, 1'000);
  EXPECT_TRUE(desk.told_to_stop(id, StopReason::timeout));
}

TEST_F(ScheduleEngineTest, ASchedulerThatStartsAnewKnowsTheWaitForRoom) {
  JobSpec s = desk.spec();
  s.timeout_ms = 5'000;
  const JobId id = running(s);
  const Token token = desk.tokens.at(id);
  EXPECT_TRUE(desk.note(token, std::string(kEngineFullNote)));
  pass(id, 30'000);
  EXPECT_TRUE(desk.note(token, std::string(kEngineRoomNote)));
  pass(id, 1'000);
  EXPECT_TRUE(desk.note(token, std::string(kEngineFullNote)));
  pass(id, 40'000);
  desk.restart();
  EXPECT_THAT(desk.why(id), HasSubstr("for the last 40 s it waits in its"));
  pass(id, 20'000);
  EXPECT_TRUE(desk.note(token, std::string(kEngineRoomNote)));
  pass(id, 1'000);
  desk.restart();
  EXPECT_THAT(desk.why(id), Not(HasSubstr("waits in its engine")));
  pass(id, 2'000);
  EXPECT_FALSE(desk.told_to_stop(id, StopReason::timeout));
  pass(id, 1'000);
  EXPECT_TRUE(desk.told_to_stop(id, StopReason::timeout));
}

TEST_F(ScheduleEngineTest, ALeaseEndsWhileAnAttemptWaitsForRoom) {
  const JobId id = running();
  EXPECT_TRUE(desk.note(desk.tokens.at(id), std::string(kEngineFullNote)));
  desk.advance(desk.options.limits.lease_ms);
  EXPECT_TRUE(desk.told_to_stop(id, StopReason::fenced));
}

TEST_F(ScheduleEngineTest, WhatIsForeseenLeavesTheWaitForRoomOut) {
  const JobId id = running();
  const Token token = desk.tokens.at(id);
  EXPECT_TRUE(desk.note(token, std::string(kEngineFullNote)));
  desk.advance(9'000);
  EXPECT_TRUE(desk.note(token, std::string(kEngineRoomNote)));
  desk.advance(2'000);
  desk.succeed(id);
  const JobId next = running();
  constexpr auto kForeseen = "expected to end in about 2.0 s";
  EXPECT_NE(desk.why(next).find(kForeseen), std::string::npos)
      << desk.why(next);
  EXPECT_TRUE(desk.note(desk.tokens.at(next), std::string(kEngineFullNote)));
  EXPECT_EQ(desk.why(next).find("expected"), std::string::npos)
      << "nobody knows when there will be room";
}

TEST_F(ScheduleEngineTest, AnAttemptThatItsDevicesProcessTookAlongIsNoFailure) {
  const JobEnd end{JobState::failed,
                   Failure{FailureClass::transient,
                           std::string(kDeviceLost),
                           "the device process was killed",
                           {}},
                   {},
                   {}};
  JobSpec s = desk.spec();
  s.retry.max_attempts = 1;
  const JobId id = running(s);
  for (int lost = 1; lost < 3; ++lost) {
    EXPECT_TRUE(desk.end(id, end));
    EXPECT_EQ(desk.plan(), std::vector{id}) << "no retry is used";
  }
  EXPECT_TRUE(desk.end(id, end));
  EXPECT_EQ(desk.failure_of(id), FailureClass::suspect) << "three in a row";
  s = desk.spec();
  s.on_lost = OnLost::fail;
  const JobId once = running(s);
  EXPECT_TRUE(desk.end(once, end));
  EXPECT_EQ(desk.state(once), JobState::failed);
  EXPECT_EQ(desk.failure_of(once), FailureClass::transient);
}

}  // namespace
}  // namespace troupe
