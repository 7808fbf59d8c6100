// Attempts that a restart of the node or of its scheduler finds.
#include <gtest/gtest.h>

#include "tests/actors/schedule_desk.hpp"

namespace troupe {
namespace {

class ScheduleRestartTest : public DeskTest {};

TEST_F(ScheduleRestartTest, AfterACrashQueuedJobsKeepTheirOrder) {
  const JobId a = running(), b = desk.submit(), c = desk.submit();
  JobSpec s = desk.spec();
  s.priority = Priority::high;
  const JobId high = desk.submit(s);
  const Token old = desk.tokens.at(a);
  desk.crash();
  EXPECT_EQ(desk.jobs.at(a).crashes, 1u);
  EXPECT_EQ(desk.jobs.at(a).failures, 0u) << "it does not use the budget";
  desk.up(device("cpu", 8));
  EXPECT_EQ(desk.plan(), (std::vector{high, a, b, c}));
  EXPECT_FALSE(desk.end(old, succeeded()));
  EXPECT_TRUE(desk.end(a, succeeded()));
}

TEST_F(ScheduleRestartTest, ThreeCrashesInARowMakeASuspect) {
  const JobId id = running();
  for (int crash = 1; crash <= 2; ++crash) {
    desk.crash();
    ASSERT_EQ(desk.state(id), JobState::queued);
    desk.up(device("cpu", 1));
    ASSERT_EQ(desk.plan(), std::vector{id});
  }
  desk.crash();
  EXPECT_EQ(desk.failure_of(id), FailureClass::suspect);
}

TEST_F(ScheduleRestartTest, AnAttemptBetweenTwoCrashesClearsTheSuspicion) {
  const JobId id = running();
  for (int round = 0; round < 4; ++round) {
    desk.crash();
    ASSERT_EQ(desk.state(id), JobState::queued);
    desk.up(device("cpu", 1));
    desk.plan();
    if (round == 1) {
      desk.fail(id, FailureClass::transient);
      desk.advance(60'000);
      ASSERT_EQ(desk.plan(), std::vector{id});
    }
  }
}

TEST_F(ScheduleRestartTest, AfterACrashOnLostAndCancelAreHonoured) {
  JobSpec s = desk.spec();
  s.on_lost = OnLost::fail;
  const JobId once = running(s), cancelled = running();
  desk.cancel(cancelled);
  desk.crash();
  EXPECT_EQ(desk.state(once), JobState::failed);
  EXPECT_EQ(desk.state(cancelled), JobState::cancelled);
}

TEST_F(ScheduleRestartTest, AfterACrashTheBlockedStayBlockedOrGoOn) {
  const JobId a = running();
  JobSpec s = desk.spec();
  s.depends_on = {a};
  const JobId b = desk.submit(s);
  desk.crash();
  EXPECT_EQ(desk.state(b), JobState::blocked);
  desk.up(device("cpu", 2));
  desk.plan();
  desk.succeed(a);
  EXPECT_EQ(desk.plan(), std::vector{b});
}

TEST_F(ScheduleRestartTest, ASchedulerThatRestartsAloneKeepsItsAttempts) {
  const JobId id = running(big());
  desk.restart();
  EXPECT_EQ(desk.state(id), JobState::running);
  desk.up(device("cpu", 2));
  desk.advance(lease - 1);
  desk.succeed(id);
  EXPECT_EQ(desk.state(id), JobState::succeeded);
  EXPECT_EQ(desk.reserved_bytes(), 0u);
}

}  // namespace
}  // namespace troupe
