// Attempts: leases and tokens, retries, timeouts, devices.
#include <gtest/gtest.h>

#include "actors/retry.hpp"
#include "core/loss.hpp"
#include "tests/actors/schedule_desk.hpp"

namespace troupe {
namespace {

class ScheduleAttemptsTest : public DeskTest {};

// -- leases and tokens --------------------------------------------------------

TEST_F(ScheduleAttemptsTest, HeartbeatsKeepTheLease) {
  const JobId id = running();
  for (int i = 0; i < 5; ++i) {
    desk.advance(lease - 1);
    desk.renew(id);
  }
  desk.succeed(id);
  EXPECT_EQ(desk.state(id), JobState::succeeded);
}

TEST_F(ScheduleAttemptsTest, WithoutHeartbeatsTheAttemptIsFencedAndRetried) {
  const JobId id = running(big());
  const Token first = desk.tokens.at(id);
  desk.advance(lease - 1);
  EXPECT_EQ(desk.state(id), JobState::running);
  desk.advance(1);
  EXPECT_EQ(desk.state(id), JobState::queued);
  EXPECT_TRUE(desk.told_to_stop(id, StopReason::fenced));
  EXPECT_EQ(desk.requeues.at(id).failure.reason, "lease_lost");
  EXPECT_EQ(desk.requeues.at(id).failures, 1u);
  EXPECT_EQ(desk.reserved_bytes(), 0u);
  desk.advance(1'000);
  EXPECT_EQ(desk.plan(), std::vector{id});
  const Status late = desk.end(first, succeeded());
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Errc::stale);
  EXPECT_EQ(desk.schedule->counts().stale_ends, 1u);
  EXPECT_EQ(desk.state(id), JobState::running) << "attempt 2 goes on";
}

TEST_F(ScheduleAttemptsTest, ALeaseThatEndsOnAWorkersDeviceUsesNoRetry) {
  desk.down("cpu");
  desk.up(device("far/cpu"));
  desk.up(device("near/cpu"));
  auto once = desk.spec();
  once.retry.max_attempts = 1;
  const JobId id = running(once);
  const std::string silent = desk.where.at(id);
  desk.advance(lease);
  EXPECT_EQ(desk.state(id), JobState::queued);
  EXPECT_TRUE(desk.told_to_stop(id, StopReason::fenced));
  EXPECT_EQ(desk.requeues.at(id).failure.reason, "lease_lost");
  EXPECT_EQ(desk.requeues.at(id).failures, 0u);
  EXPECT_EQ(desk.requeues.at(id).crashes, 1u);
  EXPECT_EQ(desk.plan(), std::vector{id});
  EXPECT_NE(desk.where.at(id), silent) << "there is another";
}

TEST_F(ScheduleAttemptsTest, AResultAfterTheLeaseIsRefusedBeforeAnyTick) {
  const JobId id = running();
  desk.now.steady += lease;
  EXPECT_EQ(desk.end(id, succeeded()).error().code, Errc::stale);
  EXPECT_EQ(desk.state(id), JobState::queued);
}

TEST_F(ScheduleAttemptsTest, ThePlantedDefectAcceptsALateResult) {
  desk.options.defects.accept_late_attempt = true;
  desk.restart();
  desk.up(device("cpu", 2));
  const JobId id = running();
  desk.now.steady += lease;
  EXPECT_TRUE(desk.end(id, succeeded()));
}

TEST_F(ScheduleAttemptsTest, TokensOfOtherEpochsAttemptsAndJobsAreStale) {
  const JobId id = running();
  const Token t = desk.tokens.at(id);
  for (const Token& wrong : {Token{t.epoch + 1, t.job, t.attempt},
                             Token{t.epoch, t.job, t.attempt + 1},
                             Token{t.epoch, {9, 9}, t.attempt}})
    EXPECT_FALSE(desk.end(wrong, succeeded()));
  EXPECT_TRUE(desk.end(t, succeeded()));
  EXPECT_FALSE(desk.end(t, succeeded())) << "twice";
}

TEST_F(ScheduleAttemptsTest, ANoteOfTheCurrentAttemptIsAnEventOfItsJob) {
  const JobId id = running();
  const auto seq = desk.jobs.at(id).seq;
  const Token token = desk.tokens.at(id);
  EXPECT_TRUE(desk.note(token, "quiet"));
  EXPECT_EQ(desk.jobs.at(id).seq, seq + 1);
  EXPECT_EQ(desk.state(id), JobState::running);
  desk.succeed(id);
  const Status late = desk.note(token, "quiet");
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Errc::stale);
  EXPECT_EQ(desk.jobs.at(id).seq, seq + 2) << "only the end came";
}

TEST_F(ScheduleAttemptsTest, ALostReservationIsWhatTheDefectSays) {
  const JobId good = running(big());
  desk.succeed(good);
  EXPECT_EQ(desk.reserved_bytes(), 0u);
  desk.options.defects.lose_reservation = true;
  desk.restart();
  desk.up(device("cpu", 2));
  const JobId bad = running(big());
  desk.succeed(bad);
  EXPECT_EQ(desk.reserved_bytes(), kGiB);
}

// -- reservations -------------------------------------------------------------

TEST_F(ScheduleAttemptsTest, ARefusedReservationUsesNoAttempt) {
  ASSERT_TRUE(desk.ledger.reserve({{1, {9, 9}, 1}, "cpu", 16 * kGiB}));
  const JobId id = desk.submit(big());
  EXPECT_TRUE(desk.plan().empty());
  EXPECT_EQ(desk.state(id), JobState::queued);
  desk.ledger.release({1, {9, 9}, 1}, "cpu");
  EXPECT_TRUE(desk.plan().empty()) << "the device is left alone for a second";
  EXPECT_LE(*desk.schedule->next_wake(desk.now), desk.now.steady + 1'000);
  desk.advance(1'000);
  EXPECT_EQ(desk.plan(), std::vector{id});
  EXPECT_EQ(desk.tokens.at(id).attempt, 1u);
}

TEST_F(ScheduleAttemptsTest, MemoryAndSlotsAreNeverPromisedTwice) {
  desk.up(device("small", 8, 2 * kGiB, {"fill"}));
  for (int i = 0; i < 5; ++i) {
    JobSpec s = big();
    s.kind = "fill";
    desk.submit(s);
  }
  EXPECT_EQ(desk.plan().size(), 2u);
  for (int i = 0; i < 3; ++i) desk.submit();
  EXPECT_EQ(desk.plan().size(), 2u) << "cpu has two slots";
}

TEST_F(ScheduleAttemptsTest, ACancelWhileReservingGivesTheGrantBack) {
  const JobSpec s = big();
  desk.submit(s);
  Decisions out;
  desk.schedule->plan(desk.now, out);
  ASSERT_EQ(out.reserves.size(), 1u);
  const Reservation asked = out.reserves[0];
  ASSERT_TRUE(desk.ledger.reserve(asked));
  EXPECT_EQ(desk.cancel(s.id).state, JobState::cancelled);
  EXPECT_EQ(desk.reserved_bytes(), 0u);
  Decisions late;
  desk.schedule->reserved(asked, true, desk.now, late);
  EXPECT_TRUE(late.assigns.empty());
  EXPECT_EQ(late.releases.size(), 1u);
}

// -- retries ------------------------------------------------------------------

TEST_F(ScheduleAttemptsTest, OnlySomeClassesAreRetried) {
  using enum FailureClass;
  for (const auto klass : {invalid, model, command, timeout, suspect}) {
    const JobId id = running();
    desk.fail(id, klass);
    EXPECT_EQ(desk.state(id), JobState::failed) << to_string(klass);
  }
  for (const auto klass : {transient, resource}) {
    const JobId id = running();
    desk.fail(id, klass);
    EXPECT_EQ(desk.state(id), JobState::queued) << to_string(klass);
  }
}

TEST_F(ScheduleAttemptsTest, CommandsAreRetriedWhereTheJobAsks) {
  JobSpec s = desk.spec();
  s.retry.on_command_failure = true;
  const JobId id = running(s);
  desk.fail(id, FailureClass::command);
  EXPECT_EQ(desk.state(id), JobState::queued);
}

TEST_F(ScheduleAttemptsTest, TheBudgetIsMaxAttempts) {
  JobSpec s = desk.spec();
  s.retry.max_attempts = 3;
  const JobId id = desk.submit(s);
  for (int attempt = 1; attempt <= 3; ++attempt) {
    desk.advance(60'000);
    ASSERT_EQ(desk.plan(), std::vector{id});
    desk.fail(id, FailureClass::transient);
  }
  EXPECT_EQ(desk.state(id), JobState::failed);
  EXPECT_EQ(desk.jobs.at(id).attempt, 3u);
}

TEST_F(ScheduleAttemptsTest, AnOrderlyStopOfTheNodeUsesNoRetry) {
  JobSpec s = desk.spec();
  s.retry.max_attempts = 1;
  const JobId id = desk.submit(s);
  for (int attempt = 1; attempt <= 3; ++attempt) {
    desk.advance(60'000);
    ASSERT_EQ(desk.plan(), std::vector{id});
    JobEnd stopped = failed(FailureClass::transient);
    stopped.failure->reason = kNodeShutdown;
    ASSERT_TRUE(desk.end(id, std::move(stopped)));
    EXPECT_TRUE(desk.plan().empty()) << "not while the node stops";
  }
  EXPECT_EQ(desk.state(id), JobState::queued);
}

TEST_F(ScheduleAttemptsTest, AJobThatMayNotRepeatFailsWhenItsAttemptIsLost) {
  for (const auto& [reason, says] :
       {std::pair{kNodeShutdown, "the node was stopped during the attempt"},
        {kGuardLost, "failed"}}) {
    JobSpec s = desk.spec();
    s.on_lost = OnLost::fail;
    s.retry.max_attempts = 3;
    const JobId id = running(s);
    JobEnd lost = failed(FailureClass::transient);
    lost.failure->reason = reason;
    lost.failure->message = "failed";
    ASSERT_TRUE(desk.end(id, std::move(lost)));
    ASSERT_EQ(desk.state(id), JobState::failed);
    EXPECT_EQ(desk.end_of(id).failure->reason, reason);
    EXPECT_EQ(desk.end_of(id).failure->message,
              std::string{says} + "; on_lost says not to repeat it");
  }
}

TEST(Backoff, DoublesWithJitterUpToItsTop) {
  const auto random = seeded_random(3);
  const RetryPolicy policy{.backoff_ms = 1'000, .max_backoff_ms = 5'000};
  for (const auto& [failures, top] : {std::pair{1u, 1'000},
                                      {2u, 2'000},
                                      {3u, 4'000},
                                      {4u, 5'000},
                                      {4'000'000'000u, 5'000}})
    for (int i = 0; i < 50; ++i) {
      const std::int64_t wait = backoff_ms(policy, failures, *random);
      EXPECT_GE(wait, top / 2);
      EXPECT_LE(wait, top);
    }
}

TEST(Backoff, StrangeValuesStillGiveATime) {
  const auto random = seeded_random(3);
  EXPECT_EQ(backoff_ms({.backoff_ms = -5}, 3, *random), 0);
  EXPECT_EQ(backoff_ms({.backoff_ms = 10, .max_backoff_ms = -1}, 3, *random),
            0);
  const std::int64_t most = std::numeric_limits<std::int64_t>::max();
  EXPECT_GT(
      backoff_ms({.backoff_ms = most, .max_backoff_ms = most}, 9, *random), 0);
}

TEST_F(ScheduleAttemptsTest, WhatDidNotFitIsTriedElsewhere) {
  desk.up(device("b", 2));
  const JobId id = running();
  const std::string first = desk.where.at(id);
  desk.fail(id, FailureClass::resource);
  desk.advance(60'000);
  ASSERT_EQ(desk.plan(), std::vector{id});
  EXPECT_NE(desk.where.at(id), first);
}

// -- time ---------------------------------------------------------------------

TEST_F(ScheduleAttemptsTest, AnAttemptThatOutrunsItsLimitIsStopped) {
  JobSpec s = desk.spec();
  s.timeout_ms = 5'000;
  const JobId id = running(s);
  desk.advance(5'000);
  EXPECT_TRUE(desk.told_to_stop(id, StopReason::timeout));
  EXPECT_EQ(desk.state(id), JobState::running) << "until its executor says so";
  desk.fail(id, FailureClass::timeout);
  EXPECT_EQ(desk.failure_of(id), FailureClass::timeout);
}

TEST_F(ScheduleAttemptsTest, AnExecutorThatNeverStopsIsCutOff) {
  JobSpec s = big();
  s.timeout_ms = 5'000;
  const JobId id = running(s);
  desk.advance(5'000);
  for (int i = 0; i < 13; ++i) {
    desk.renew(id);
    desk.advance(10'000);
  }
  EXPECT_EQ(desk.failure_of(id), FailureClass::timeout);
  EXPECT_EQ(desk.reserved_bytes(), 0u);
}

TEST_F(ScheduleAttemptsTest, ADeadlineExpiresWhatWaitsAndStopsWhatRuns) {
  JobSpec s = desk.spec();
  s.deadline_ms = desk.now.wall + 1'000;
  const JobId runs = running(s);
  s = desk.spec();
  s.deadline_ms = desk.now.wall + 1'000;
  const JobId waits = desk.submit(s);
  EXPECT_EQ(desk.schedule->next_wake(desk.now), desk.now.steady + 1'000);
  desk.advance(1'000);
  EXPECT_EQ(desk.state(waits), JobState::expired);
  EXPECT_TRUE(desk.told_to_stop(runs, StopReason::expired));
  EXPECT_TRUE(desk.end(runs, {JobState::expired, {}, {}, {}}));
  EXPECT_EQ(desk.state(runs), JobState::expired);
}

TEST_F(ScheduleAttemptsTest, WhatFinishedAfterItsDeadlineOrCancelStillCounts) {
  JobSpec s = desk.spec();
  s.deadline_ms = desk.now.wall + 1'000;
  const JobId a = running(s), b = running();
  desk.advance(1'000);
  desk.cancel(b);
  desk.succeed(a);
  desk.succeed(b);
  EXPECT_EQ(desk.state(a), JobState::succeeded);
  EXPECT_EQ(desk.state(b), JobState::succeeded);
}

TEST_F(ScheduleAttemptsTest, NothingStartsBeforeItsTime) {
  JobSpec s = desk.spec();
  s.not_before_ms = desk.now.wall + 5'000;
  const JobId id = desk.submit(s);
  EXPECT_TRUE(desk.plan().empty());
  EXPECT_NE(desk.why(id).find("not before 2023-11-14T22:13:25Z (in 5.0 s)"),
            std::string::npos)
      << desk.why(id);
  EXPECT_EQ(desk.schedule->next_wake(desk.now), desk.now.steady + 5'000);
  desk.advance(4'999);
  EXPECT_TRUE(desk.plan().empty());
  desk.advance(1);
  EXPECT_EQ(desk.plan(), std::vector{id});
}

// -- devices ------------------------------------------------------------------

TEST_F(ScheduleAttemptsTest, ALostDevicesAttemptsAreRetriedElsewhere) {
  const JobId id = running(big());
  desk.down("cpu");
  EXPECT_EQ(desk.state(id), JobState::queued);
  EXPECT_EQ(desk.requeues.at(id).failure.reason, "device_lost");
  EXPECT_EQ(desk.reserved_bytes(), 0u);
  desk.advance(1'000);
  EXPECT_TRUE(desk.plan().empty());
  EXPECT_NE(desk.why(id).find("is down"), std::string::npos) << desk.why(id);
  desk.up(device("b", 1));
  EXPECT_EQ(desk.plan(), std::vector{id});
}

TEST_F(ScheduleAttemptsTest, AJobWithOutsideEffectsThatMayNotRepeatFails) {
  JobSpec s = desk.spec();
  s.on_lost = OnLost::fail;
  const JobId id = running(s);
  desk.down("cpu");
  EXPECT_EQ(desk.state(id), JobState::failed);
}

TEST_F(ScheduleAttemptsTest, TheDeviceWithTheEarliestExpectedEndIsTaken) {
  desk.down("cpu");
  desk.up(device("fast", 1));
  const JobId a = running();
  desk.advance(1'000);
  desk.succeed(a);
  desk.down("fast");
  desk.up(device("slow", 1));
  const JobId b = running();
  desk.advance(9'000);
  desk.succeed(b);
  desk.up(device("fast", 1));
  const JobId c = running();
  EXPECT_EQ(desk.where.at(c), "fast");
  EXPECT_NE(desk.started.at(c).decision.find("\"slow\",\"ms\":9000"),
            std::string::npos)
      << desk.started.at(c).decision;
  EXPECT_LE(desk.started.at(c).decision.size(), 150u);
}

}  // namespace
}  // namespace troupe
