// Who starts next: classes, ageing, fair share, big jobs.
#include <gtest/gtest.h>

#include "tests/actors/schedule_desk.hpp"

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
