#include "tests/simulation/oracle.hpp"

#include <gtest/gtest.h>

namespace troupe::simulation {
namespace {

JobId id(std::uint64_t n) {
  return {1, n};
}

// Tells the oracle a log, entry by entry, with indexes and seqs filled in.
class OracleTest : public ::testing::Test {
 protected:
  static constexpr std::int64_t kStepMs = 1'000;
  static constexpr std::int64_t kSlackMs = 100;

  OracleTest() { opened(); }

  LogEntry entry(ChangeType type, JobId job) {
    LogEntry e{.index = ++index_, .epoch = epoch_, .change = {}};
    e.change.type = type;
    e.change.job = job;
    if (job) e.change.seq = ++seq_[job];
    e.change.attempt = attempt_[job];
    e.change.time_ms = now_;
    return e;
  }
  void opened() {
    ++epoch_;
    oracle_.saw(entry(ChangeType::opened, {}));
  }
  void submitted(JobId job, std::vector<JobId> depends_on = {},
                 Priority priority = Priority::normal, std::string model = {}) {
    auto e = entry(ChangeType::submitted, job);
    e.change.spec = JobSpec{};
    e.change.spec->id = job;
    e.change.spec->kind = "sim.work";
    e.change.spec->depends_on = std::move(depends_on);
    e.change.spec->priority = priority;
    e.change.spec->model = std::move(model);
    oracle_.saw(e);
  }
  void started(JobId job, std::uint64_t bytes = 0) {
    ++attempt_[job];
    auto e = entry(ChangeType::started, job);
    e.change.start = Started{"d0", bytes, "{}"};
    oracle_.saw(e);
  }
  void requeued(JobId job, UnixMs not_before_ms = 0) {
    auto e = entry(ChangeType::requeued, job);
    e.change.requeue = Requeued{};
    e.change.requeue->not_before_ms = not_before_ms;
    oracle_.saw(e);
  }
  void succeeded(JobId job, const Token& by) {
    auto e = entry(ChangeType::ended, job);
    e.change.attempt = by.attempt;
    e.change.end = JobEnd{JobState::succeeded, {}, work_result(by), {}};
    oracle_.saw(e);
  }
  // Whoever was passed over for another device would have started by now.
  void a_while_passes() {
    now_ += kSlackMs;
    submitted(id(99));
  }
  Token current(JobId job) { return {epoch_, job, attempt_[job]}; }
  std::size_t violations() const { return oracle_.violations().size(); }

  Oracle oracle_{{.devices = {{.name = "d0",
                               .klass = "cpu",
                               .memory_bytes = 100,
                               .slots = 2,
                               .kinds = {"sim.work"}}},
                  .models = {{.name = "m", .bytes = 50, .batch = 3}},
                  .ageing_step_ms = kStepMs,
                  .slack_ms = kSlackMs}};
  std::map<JobId, std::uint32_t> seq_;
  std::map<JobId, std::uint32_t> attempt_;
  std::uint64_t index_ = 0;
  std::uint64_t epoch_ = 0;
  UnixMs now_ = 1'000;
};

TEST_F(OracleTest, FindsNothingWrongWithAnHonestLog) {
  submitted(id(1));
  oracle_.told_accepted(id(1));
  submitted(id(2), {id(1)});
  started(id(1), 60);
  succeeded(id(1), current(id(1)));
  oracle_.saw(entry(ChangeType::unblocked, id(2)));
  started(id(2), 60);
  requeued(id(2));
  started(id(2), 100);
  succeeded(id(2), current(id(2)));
  oracle_.check_finished();
  EXPECT_EQ(oracle_.violations(), std::vector<std::string>{});
}

TEST_F(OracleTest, FindsAnAcceptedJobThatIsLost) {
  oracle_.told_accepted(id(1));
  oracle_.check_settled();
  EXPECT_EQ(violations(), 1u);
}

TEST_F(OracleTest, FindsAJobThatNeverEnds) {
  submitted(id(1));
  oracle_.check_finished();
  EXPECT_EQ(violations(), 1u);
}

TEST_F(OracleTest, FindsAStateThatWasToldAndIsNotOnTheLog) {
  submitted(id(1));
  oracle_.told_state(id(1), JobState::cancelled);
  oracle_.check_settled();
  EXPECT_EQ(violations(), 1u);
}

TEST_F(OracleTest, FindsTwoVisibleResults) {
  submitted(id(1));
  started(id(1));
  succeeded(id(1), current(id(1)));
  succeeded(id(1), current(id(1)));
  EXPECT_GE(violations(), 1u);
}

TEST_F(OracleTest, FindsTheResultOfALateAttempt) {
  submitted(id(1));
  started(id(1));
  const Token late = current(id(1));
  requeued(id(1));
  started(id(1));
  succeeded(id(1), late);
  EXPECT_GE(violations(), 1u);
}

TEST_F(OracleTest, FindsTheResultOfAnAttemptOfAnEarlierEpoch) {
  submitted(id(1));
  started(id(1));
  const Token late = current(id(1));
  opened();
  requeued(id(1));
  started(id(1));
  auto pretender = late;
  pretender.attempt = current(id(1)).attempt;
  succeeded(id(1), pretender);
  EXPECT_EQ(violations(), 1u);
}

TEST_F(OracleTest, FindsAnEventNumberThatWasSkipped) {
  submitted(id(1));
  ++seq_[id(1)];
  started(id(1));
  EXPECT_EQ(violations(), 1u);
}

TEST_F(OracleTest, FindsAGapInTheLog) {
  ++index_;
  submitted(id(1));
  EXPECT_EQ(violations(), 1u);
}

TEST_F(OracleTest, FindsAnEntryThatChangedItsContent) {
  submitted(id(1));
  --index_;
  submitted(id(2));
  EXPECT_EQ(violations(), 1u);
}

TEST_F(OracleTest, FindsMemoryPromisedTwice) {
  submitted(id(1));
  submitted(id(2));
  started(id(1), 60);
  started(id(2), 60);
  EXPECT_EQ(violations(), 1u);
}

TEST_F(OracleTest, FindsMoreAttemptsThanSlots) {
  for (std::uint64_t n = 1; n <= 3; ++n) submitted(id(n));
  for (std::uint64_t n = 1; n <= 3; ++n) started(id(n));
  EXPECT_EQ(violations(), 1u);
}

TEST_F(OracleTest, CountsASlotForABatchOfAModelsUsers) {
  for (std::uint64_t n = 1; n <= 7; ++n)
    submitted(id(n), {}, Priority::normal, "m");
  for (std::uint64_t n = 1; n <= 6; ++n) started(id(n), 50);
  EXPECT_EQ(oracle_.violations(), std::vector<std::string>{});
  started(id(7), 50);
  EXPECT_EQ(violations(), 1u);
}

TEST_F(OracleTest, CountsAModelBesideAJobWithoutOne) {
  for (std::uint64_t n = 1; n <= 4; ++n)
    submitted(id(n), {}, Priority::normal, "m");
  submitted(id(5));
  started(id(5));
  for (std::uint64_t n = 1; n <= 3; ++n) started(id(n), 50);
  EXPECT_EQ(oracle_.violations(), std::vector<std::string>{});
  started(id(4), 50);
  EXPECT_EQ(violations(), 1u);
}

TEST_F(OracleTest, FindsAModelThatWasNotReserved) {
  submitted(id(1), {}, Priority::normal, "m");
  started(id(1));
  EXPECT_EQ(violations(), 1u);
}

TEST_F(OracleTest, FindsALedgerOverItsBudget) {
  oracle_.check_ledger({.device = "d0",
                        .total_bytes = 100,
                        .reserved_bytes = 101,
                        .peak_reserved_bytes = 101,
                        .reservations = {{{1, id(1), 1}, "d0", 101}}});
  EXPECT_EQ(violations(), 1u);
}

TEST_F(OracleTest, FindsAReservationThatTheLedgerForgotToCount) {
  oracle_.check_ledger({.device = "d0",
                        .total_bytes = 100,
                        .reserved_bytes = 0,
                        .peak_reserved_bytes = 10,
                        .reservations = {{{1, id(1), 1}, "d0", 10}}});
  EXPECT_EQ(violations(), 1u);
}

TEST_F(OracleTest, FindsAStartBeforeItsTime) {
  submitted(id(1));
  started(id(1));
  requeued(id(1), now_ + 1);
  started(id(1));
  EXPECT_EQ(violations(), 1u);
}

TEST_F(OracleTest, FindsAStartBeforeItsDependency) {
  submitted(id(1));
  submitted(id(2), {id(1)});
  oracle_.saw(entry(ChangeType::unblocked, id(2)));
  started(id(2));
  EXPECT_EQ(violations(), 1u);
}

TEST_F(OracleTest, FindsAYoungerJobThatGoesFirst) {
  submitted(id(1));
  submitted(id(2));
  now_ += kSlackMs;
  started(id(2));
  a_while_passes();
  EXPECT_EQ(violations(), 1u);
}

TEST_F(OracleTest, FindsAJobThatAgedAndIsOvertakenByAHigherClass) {
  submitted(id(1));
  now_ += 2 * kStepMs;
  submitted(id(2), {}, Priority::high);
  now_ += kSlackMs;
  started(id(2));
  a_while_passes();
  EXPECT_EQ(violations(), 1u);
}

TEST_F(OracleTest, LetsAHigherClassOvertakeAJobThatHasNotAged) {
  submitted(id(1));
  submitted(id(2), {}, Priority::high);
  now_ += kSlackMs;
  started(id(2));
  a_while_passes();
  EXPECT_EQ(violations(), 0u);
}

TEST_F(OracleTest, FindsALaterJobThatStandsHigherAndIsOvertaken) {
  submitted(id(1));
  submitted(id(2), {}, Priority::high);
  now_ += kSlackMs;
  started(id(1));
  a_while_passes();
  EXPECT_EQ(violations(), 1u);
}

TEST_F(OracleTest, LetsARetriedJobGoAheadOfAYoungerOne) {
  submitted(id(1), {}, Priority::low);
  started(id(1));
  submitted(id(2), {}, Priority::low);
  submitted(id(3));
  now_ += 2 * kStepMs;
  requeued(id(1));
  now_ += kSlackMs;
  started(id(1));  // As old as the one behind it.
  a_while_passes();
  EXPECT_EQ(violations(), 0u);
}

TEST_F(OracleTest, FindsARetriedJobThatHoldsUpAnAgedOne) {
  submitted(id(1), {}, Priority::low);
  started(id(1));
  submitted(id(2), {}, Priority::low);
  submitted(id(3));
  now_ += 2 * kStepMs;
  requeued(id(1));
  now_ += kSlackMs;
  started(id(3));
  a_while_passes();
  EXPECT_EQ(violations(), 2u) << "it overtook the aged one and who leads it";
}

TEST_F(OracleTest, CountsNoAgeWhileAJobWaitsForItsTime) {
  submitted(id(1), {}, Priority::low);
  started(id(1));
  requeued(id(1), now_ + 2 * kStepMs);
  now_ += 2 * kStepMs;
  submitted(id(2));
  now_ += kSlackMs;
  started(id(2));
  a_while_passes();
  EXPECT_EQ(violations(), 0u);
}

TEST_F(OracleTest, LetsAJobStartOnAnotherDeviceThatAnswersLater) {
  submitted(id(1));
  submitted(id(2));
  now_ += kSlackMs;
  started(id(2));
  started(id(1));
  a_while_passes();
  EXPECT_EQ(violations(), 0u);
}

TEST_F(OracleTest, HashesTheSameLogToTheSameNumberAndAnotherToAnother) {
  submitted(id(1));
  const auto before = oracle_.log_hash();
  Oracle other{{.devices = {}}};
  other.saw({.index = 1, .epoch = 1, .change = {}});
  EXPECT_NE(before, other.log_hash());
  started(id(1));
  EXPECT_NE(before, oracle_.log_hash());
}

}  // namespace
}  // namespace troupe::simulation
