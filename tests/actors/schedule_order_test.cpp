// Who starts next: classes, ageing, fair share, big jobs.
#include <gtest/gtest.h>

#include "tests/actors/schedule_desk.hpp"
#include "tests/sanitized.hpp"

namespace troupe {
namespace {

constexpr SteadyMs kStep = 60'000;  // SchedulerLimits::ageing_step_ms.

class ScheduleOrderTest : public ::testing::Test {
 protected:
  JobId job(Priority priority, std::string tenant = "t") {
    JobSpec s = desk.spec();
    s.priority = priority;
    s.tenant = std::move(tenant);
    return desk.submit(std::move(s));
  }
  /// Attempts live on without heartbeats.
  void give_long_leases() {
    desk.options.limits.lease_ms = 1'000'000;
    desk.restart();
  }
  JobId big_job(std::uint64_t bytes) {
    JobSpec s = desk.spec();
    s.memory_bytes = bytes;
    return desk.submit(std::move(s));
  }
  /// Runs everything to its end on one slot; the order of the starts.
  std::vector<JobId> run_all(SteadyMs each_ms = 0) {
    desk.up(device("cpu"));
    for (auto now = desk.plan(); !now.empty(); now = desk.plan()) {
      desk.advance(each_ms);
      desk.succeed(now.front());
    }
    return desk.starts;
  }

  Desk desk;
};

TEST_F(ScheduleOrderTest, StartsJobsOfOneTenantInCommitOrder) {
  const JobId a = desk.submit(), b = desk.submit(), c = desk.submit();
  EXPECT_EQ(run_all(), (std::vector{a, b, c}));
}

TEST_F(ScheduleOrderTest, OrdersByCommitAndNotById) {
  JobSpec first = desk.spec(), second = desk.spec();
  std::swap(first.id, second.id);
  const JobId a = desk.submit(first), b = desk.submit(second);
  ASSERT_GT(a, b);
  EXPECT_EQ(run_all(), (std::vector{a, b}));
}

TEST_F(ScheduleOrderTest, StartsAHigherClassFirst) {
  const JobId low = job(Priority::low), normal = job(Priority::normal),
              high = job(Priority::high);
  EXPECT_EQ(run_all(), (std::vector{high, normal, low}));
}

TEST_F(ScheduleOrderTest, AJobOneStepOldGoesAheadOfALaterOneAClassHigher) {
  const JobId old = job(Priority::normal);
  desk.advance(kStep);
  const JobId later = job(Priority::high);
  EXPECT_EQ(run_all(), (std::vector{old, later}));
}

TEST_F(ScheduleOrderTest, AJobAMillisecondYoungerDoesNot) {
  const JobId old = job(Priority::normal);
  desk.advance(kStep - 1);
  const JobId later = job(Priority::high);
  EXPECT_EQ(run_all(), (std::vector{later, old}));
}

TEST_F(ScheduleOrderTest, ALowJobWaitsAtMostTwoStepsBehindAFloodOfHighOnes) {
  const JobId low = job(Priority::low);
  desk.up(device("cpu"));
  SteadyMs waited = 0;
  for (; desk.state(low) != JobState::running; waited += 1'000) {
    ASSERT_LE(waited, 2 * kStep) << "the ageing bound";
    job(Priority::high);
    job(Priority::high);
    for (const JobId id : desk.plan())
      if (id != low) {
        desk.advance(1'000);
        desk.succeed(id);
      }
  }
  EXPECT_GE(waited, 2 * kStep - 1'000) << "it was overtaken until then";
}

TEST_F(ScheduleOrderTest, WithoutAgeingALowJobStarvesAndTheBoundShowsIt) {
  desk.options.defects.no_ageing = true;
  desk.restart();
  const JobId low = job(Priority::low);
  desk.up(device("cpu"));
  for (SteadyMs waited = 0; waited <= 3 * kStep; waited += 1'000) {
    job(Priority::high);
    job(Priority::high);
    for (const JobId id : desk.plan()) {
      desk.advance(1'000);
      desk.succeed(id);
    }
  }
  EXPECT_EQ(desk.state(low), JobState::queued);
}

TEST_F(ScheduleOrderTest, TenantsOfOneClassTakeTurns) {
  std::vector<JobId> a, b;
  for (int i = 0; i < 4; ++i) a.push_back(job(Priority::normal, "a"));
  for (int i = 0; i < 2; ++i) b.push_back(job(Priority::normal, "b"));
  EXPECT_EQ(run_all(10), (std::vector{a[0], b[0], a[1], b[1], a[2], a[3]}));
}

TEST_F(ScheduleOrderTest, ATenantWithLongJobsGetsFewerOfThem) {
  desk.up(device("cpu"));
  for (int i = 0; i < 40; ++i) job(Priority::normal, "long");
  for (int i = 0; i < 40; ++i) job(Priority::normal, "short");
  int longs = 0, shorts = 0;
  while (shorts < 30) {
    const JobId id = desk.plan().front();
    const bool is_long = desk.specs.at(id).tenant == "long";
    ++(is_long ? longs : shorts);
    for (int i = 0; i < (is_long ? 9 : 1); ++i) {
      desk.advance(1'000);
      desk.renew(id);
    }
    desk.succeed(id);
  }
  EXPECT_NEAR(longs, 30 / 9, 2) << "equal time, not equal counts";
}

TEST_F(ScheduleOrderTest, AnotherTenantsAgedBacklogDoesNotDelayANewTenant) {
  for (int i = 0; i < 100; ++i) job(Priority::normal, "a");
  desk.up(device("cpu"));
  desk.advance(5 * kStep);
  for (int i = 0; i < 10; ++i) {
    const JobId id = desk.plan().front();
    desk.advance(1'000);
    desk.succeed(id);
  }
  const JobId newcomer = job(Priority::normal, "b");
  const JobId turn = desk.plan().front();
  desk.advance(1'000);
  desk.succeed(turn);
  EXPECT_EQ(desk.plan(), std::vector{newcomer})
      << "both start level, so it waits for one turn at most";
}

TEST_F(ScheduleOrderTest, IdlenessSavesUpNoCredit) {
  desk.up(device("cpu"));
  job(Priority::normal, "b");
  desk.succeed(desk.plan().front());
  for (int i = 0; i < 100; ++i) job(Priority::normal, "a");
  for (int i = 0; i < 50; ++i) {
    const JobId id = desk.plan().front();
    desk.advance(1'000);
    desk.succeed(id);
  }
  for (int i = 0; i < 20; ++i) job(Priority::normal, "b");
  int of_b = 0;
  for (int i = 0; i < 20; ++i) {
    const JobId id = desk.plan().front();
    of_b += desk.specs.at(id).tenant == "b";
    desk.advance(1'000);
    desk.succeed(id);
  }
  EXPECT_NEAR(of_b, 10, 1);
}

TEST_F(ScheduleOrderTest, ARetriedJobKeepsItsPlace) {
  desk.up(device("cpu"));
  const JobId a = desk.submit(), b = desk.submit();
  ASSERT_EQ(desk.plan(), std::vector{a});
  desk.fail(a, FailureClass::transient);
  ASSERT_EQ(desk.plan(), std::vector{b}) << "while a waits its back-off";
  const JobId c = desk.submit();
  desk.advance(1'000);
  desk.succeed(b);
  EXPECT_EQ(desk.plan(), std::vector{a}) << "not behind " << to_string(c);
}

TEST_F(ScheduleOrderTest, ARetriedJobCountsAsOldAsTheJobsBehindIt) {
  give_long_leases();
  desk.up(device("cpu"));
  const JobId retried = job(Priority::low), old = job(Priority::low);
  ASSERT_EQ(desk.plan(), std::vector{retried});
  desk.advance(2 * kStep);
  const JobId later = job(Priority::high);
  desk.fail(retried, FailureClass::transient);
  desk.crash();  // Its back-off is over with that; all are in order again.
  desk.advance(1'000);
  EXPECT_EQ(run_all(), (std::vector{retried, retried, old, later}));
}

TEST_F(ScheduleOrderTest, WhoLeavesTakesItsAgeAlong) {
  give_long_leases();
  desk.up(device("cpu"));
  const JobId retried = job(Priority::low), old = job(Priority::low);
  ASSERT_EQ(desk.plan(), std::vector{retried});
  desk.advance(2 * kStep);
  desk.fail(retried, FailureClass::transient);
  desk.advance(1'000);
  desk.cancel(old);
  const JobId normal = job(Priority::normal);
  EXPECT_EQ(run_all(), (std::vector{retried, normal, retried}));
}

TEST_F(ScheduleOrderTest, AnUnblockedJobIsAsOldAsBeforeAfterARestart) {
  give_long_leases();
  JobSpec waits = desk.spec();
  const JobId first = desk.submit();
  waits.depends_on = {first};
  waits.priority = Priority::low;
  desk.up(device("cpu"));
  ASSERT_EQ(desk.plan(), std::vector{first});
  const JobId blocked = desk.submit(waits);
  desk.advance(2 * kStep);
  desk.succeed(first);
  const JobId normal = job(Priority::normal);
  desk.restart();
  EXPECT_EQ(run_all(), (std::vector{first, normal, blocked}));
}

TEST_F(ScheduleOrderTest, WaitingForItsOwnTimeMakesAJobNoOlder) {
  JobSpec s = desk.spec();
  s.priority = Priority::low;
  s.not_before_ms = desk.now.wall + 5 * kStep;
  const JobId timed = desk.submit(s);
  desk.advance(5 * kStep);
  const JobId normal = job(Priority::normal);
  EXPECT_EQ(run_all(), (std::vector{normal, timed}));
}

TEST_F(ScheduleOrderTest, StartsAJobAtItsTimeThoughNothingElseHappens) {
  desk.up(device("cpu"));
  JobSpec s = desk.spec();
  s.not_before_ms = desk.now.wall + 7'000;
  const JobId timed = desk.submit(s);
  const SteadyMs began = desk.now.steady;
  EXPECT_TRUE(desk.plan().empty());
  ASSERT_TRUE(desk.wake());
  EXPECT_EQ(desk.starts, std::vector{timed});
  EXPECT_EQ(desk.now.steady - began, 7'000);
}

TEST_F(ScheduleOrderTest, StartsAJobWhenItHasAgedThoughNothingElseHappens) {
  give_long_leases();
  desk.up(device("cpu", 8, 8 * kGiB));
  JobSpec s = desk.spec();
  s.priority = Priority::low;
  s.memory_bytes = kGiB;
  s.not_before_ms = desk.now.wall + 20'000;
  const SteadyMs began = desk.now.steady;
  const JobId low = desk.submit(s);
  const JobId first = big_job(kGiB), big = big_job(8 * kGiB);
  ASSERT_EQ(desk.plan(), std::vector{first});
  while (desk.state(low) != JobState::running) ASSERT_TRUE(desk.wake());
  EXPECT_EQ(desk.now.steady - began, 20'000 + 2 * kStep)
      << "the device is held for " << to_string(big)
      << " until both stand high";
}

TEST_F(ScheduleOrderTest, StartsAJobWhenAHeartbeatMakesItsTenantTheNext) {
  const auto job_of = [&](std::string tenant, std::uint64_t bytes) {
    JobSpec s = desk.spec();
    s.tenant = std::move(tenant);
    s.memory_bytes = bytes;
    return desk.submit(std::move(s));
  };
  give_long_leases();
  desk.up(device("cpu", 8, 8 * kGiB));
  const JobId long_one = job_of("t", kGiB), of_u = job_of("u", kGiB);
  desk.plan();
  desk.advance(5'000);
  desk.renew(of_u);
  desk.succeed(of_u);
  job_of("t", 8 * kGiB);
  desk.plan();
  desk.advance(10'000 - 1);
  desk.plan();
  desk.advance(1);
  job_of("u", kGiB);
  ASSERT_TRUE(desk.plan().empty()) << "held for who used less";
  desk.renew(long_one);
  EXPECT_EQ(desk.schedule->next_wake(desk.now), desk.now.steady);
  EXPECT_EQ(desk.plan().size(), 1u);
}

TEST_F(ScheduleOrderTest, SmallJobsPassABigOneOnlyForAWhile) {
  desk.up(device("cpu", 8, 8 * kGiB));
  const JobId first = big_job(kGiB);
  ASSERT_EQ(desk.plan(), std::vector{first});
  const JobId big = big_job(8 * kGiB);
  JobId small = big_job(kGiB);
  EXPECT_EQ(desk.plan(), std::vector{small}) << "room is used meanwhile";
  desk.advance(9'999);
  small = big_job(kGiB);
  EXPECT_EQ(desk.plan(), std::vector{small});
  desk.advance(1);
  big_job(kGiB);
  EXPECT_TRUE(desk.plan().empty()) << "the device is held for the big one";
  EXPECT_NE(desk.why(big).find("held for it"), std::string::npos)
      << desk.why(big);
  for (const JobId id : std::vector(desk.starts)) desk.succeed(id);
  EXPECT_EQ(desk.plan(), std::vector{big});
}

TEST_F(ScheduleOrderTest, AHeldDeviceStillTakesWhoRanksBeforeTheBigJob) {
  desk.up(device("cpu", 8, 8 * kGiB));
  const JobId first = big_job(kGiB);
  desk.plan();
  const JobId big = big_job(8 * kGiB);
  desk.plan();
  desk.advance(10'000);
  desk.plan();
  const JobId urgent = job(Priority::high);
  const JobId usual = job(Priority::normal);
  EXPECT_EQ(desk.plan(), std::vector{urgent});
  desk.succeed(first);
  desk.succeed(urgent);
  EXPECT_EQ(desk.plan(), (std::vector{usual, big}))
      << "what needs no memory fits beside it, and waits for no reservation";
}

TEST_F(ScheduleOrderTest, AMillionWaitingJobsCostLessThan96BytesEach) {
  if (kSanitized) GTEST_SKIP() << "what it counts is the same there";
  const ScheduleCounts before = desk.schedule->counts();
  Decisions out;
  for (std::uint64_t i = 1; i <= 1'000'000; ++i) {
    JobSpec s = desk.spec();
    const JobId id = s.id;
    ASSERT_TRUE(desk.schedule->submit(std::move(s), desk.now, out).pending);
    desk.schedule->submit_committed(id, i, desk.now, out);
    out.changes.clear();
  }
  EXPECT_EQ(desk.schedule->counts().queued, 1'000'000u);
  EXPECT_LE(desk.schedule->counts().memory_bytes - before.memory_bytes,
            96'000'000u);
}

}  // namespace
}  // namespace troupe
