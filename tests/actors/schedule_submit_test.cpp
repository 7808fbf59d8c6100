// What is taken in, what is refused, and who waits for whom.
#include <gtest/gtest.h>

#include "tests/actors/schedule_desk.hpp"

namespace troupe {
namespace {

class ScheduleSubmitTest : public ::testing::Test {
 protected:
  JobSpec on(std::vector<JobId> dependencies) {
    JobSpec s = desk.spec();
    s.depends_on = std::move(dependencies);
    return s;
  }
  Errc refusal(JobSpec s) {
    const auto outcome = desk.offer(std::move(s));
    EXPECT_FALSE(outcome.pending);
    return outcome.answer.error ? outcome.answer.error->code : Errc{};
  }

  Desk desk;
};

TEST_F(ScheduleSubmitTest, TheSameJobAgainIsTheSameJob) {
  const JobSpec s = desk.spec();
  desk.submit(s);
  JobSpec again = s;
  again.submitted_ms += 5;  // The head's own stamp is no content.
  const auto outcome = desk.offer(again);
  EXPECT_TRUE(outcome.answer.existed);
  EXPECT_EQ(outcome.answer.state, JobState::queued);
  EXPECT_EQ(desk.last_index, 1u) << "nothing was logged for it";
}

TEST_F(ScheduleSubmitTest, TheSameIdWithOtherContentIsRefused) {
  JobSpec s = desk.spec();
  desk.submit(s);
  s.params = R"({"seed":2})";
  EXPECT_EQ(refusal(s), Errc::already_exists);
}

TEST_F(ScheduleSubmitTest, ARestoredJobIsStillTheSameJob) {
  JobSpec s = desk.spec();
  desk.submit(s);
  desk.crash();
  EXPECT_TRUE(desk.offer(s).answer.existed);
  EXPECT_TRUE(desk.offer(s).answer.existed);
  s.params = R"({"seed":2})";
  EXPECT_EQ(refusal(s), Errc::already_exists);
}

TEST_F(ScheduleSubmitTest, AnEndedJobIsStillTheSameJob) {
  JobSpec s = desk.spec();
  desk.up(device("cpu"));
  desk.submit(s);
  desk.plan();
  desk.succeed(s.id);
  EXPECT_TRUE(desk.offer(s).answer.existed);
  EXPECT_EQ(desk.offer(s).answer.state, JobState::succeeded);
  s.tags.push_back("x");
  EXPECT_EQ(refusal(s), Errc::already_exists);
}

TEST_F(ScheduleSubmitTest, AForgottenIdSaysSo) {
  const JobSpec s = desk.spec();
  desk.forgotten.insert(s.id);
  EXPECT_EQ(refusal(s), Errc::forgotten);
}

TEST_F(ScheduleSubmitTest, ADuplicateOfWhatIsNotYetDurableWaitsWithIt) {
  const JobSpec s = desk.spec();
  Decisions out;
  EXPECT_TRUE(desk.schedule->submit(s, desk.now, out).pending);
  const auto again = desk.schedule->submit(s, desk.now, out);
  EXPECT_TRUE(again.pending);
  EXPECT_TRUE(again.answer.existed);
  EXPECT_EQ(out.changes.size(), 1u);
}

TEST_F(ScheduleSubmitTest, ARefusedSubmitLeavesNothingBehind) {
  const JobSpec s = desk.spec();
  Decisions out;
  desk.schedule->submit(s, desk.now, out);
  desk.schedule->submit_refused(s.id, desk.now, out);
  EXPECT_FALSE(desk.schedule->state_of(s.id));
  EXPECT_EQ(out.changes.size(), 1u) << "only the refused one itself";
  desk.submit(s);  // And may come again.
}

TEST_F(ScheduleSubmitTest, WhoDependsOnARefusedSubmitFails) {
  const JobSpec a = desk.spec(), b = on({a.id});
  Decisions first, second;
  desk.schedule->submit(a, desk.now, first);
  desk.schedule->submit(b, desk.now, second);
  Decisions none;
  desk.schedule->submit_refused(a.id, desk.now, none);
  EXPECT_TRUE(none.changes.empty()) << "b is not on the log yet";
  desk.absorb(second);
  EXPECT_EQ(desk.failure_of(b.id), FailureClass::dependency);
}

TEST_F(ScheduleSubmitTest, NothingStartsBeforeItIsDurable) {
  desk.up(device("cpu"));
  const JobSpec s = desk.spec();
  Decisions out;
  desk.schedule->submit(s, desk.now, out);
  EXPECT_TRUE(desk.plan().empty());
  desk.absorb(out);
  EXPECT_EQ(desk.plan(), std::vector{s.id});
}

TEST_F(ScheduleSubmitTest, AFullQueueAnswersWhenToComeAgain) {
  desk.options.limits.max_live_jobs = 3;
  desk.restart();
  desk.up(device("cpu"));
  for (int i = 0; i < 3; ++i) desk.submit();
  const auto outcome = desk.offer(desk.spec());
  ASSERT_TRUE(outcome.answer.error);
  EXPECT_EQ(outcome.answer.error->code, Errc::unavailable);
  EXPECT_GT(outcome.answer.error->retry_after_ms, 0);
  EXPECT_NE(desk.schedule->accepting().find("full"), std::string::npos);
  desk.succeed(desk.plan().front());
  desk.submit();  // One ended, so there is room for one.
}

TEST_F(ScheduleSubmitTest, TheHintFollowsTheMeasuredRate) {
  desk.options.limits.max_live_jobs = 1;
  desk.restart();
  desk.up(device("cpu"));
  const auto hint = [&] {
    desk.submit();
    const auto ms = desk.offer(desk.spec()).answer.error->retry_after_ms;
    desk.plan();
    desk.succeed(desk.starts.back());
    return ms;
  };
  for (int i = 0; i < 20; ++i) {
    hint();
    desk.advance(4'000);
  }
  EXPECT_NEAR(static_cast<double>(hint()), 4'000, 1'500);
}

TEST_F(ScheduleSubmitTest, OneTenantsLimitDoesNotStopAnother) {
  desk.options.limits.max_live_jobs_per_tenant = 1;
  desk.restart();
  desk.submit();
  EXPECT_EQ(refusal(desk.spec()), Errc::unavailable);
  JobSpec other = desk.spec();
  other.tenant = "u";
  desk.submit(other);
}

TEST_F(ScheduleSubmitTest, WhatCanNeverFitIsRefusedWithTheFigures) {
  desk.up(device("cpu", 1, 100));
  JobSpec s = desk.spec();
  s.memory_bytes = 101;
  const auto outcome = desk.offer(s);
  ASSERT_TRUE(outcome.answer.error);
  EXPECT_EQ(outcome.answer.error->code, Errc::invalid_argument);
  EXPECT_NE(outcome.answer.error->message.find("101 bytes"), std::string::npos);
  EXPECT_EQ(outcome.answer.error->faults[0].path, "memory_bytes");
  EXPECT_NE(outcome.answer.error->message.find("lends 100"), std::string::npos);
  s.memory_bytes = 100;
  desk.submit(s);
}

TEST_F(ScheduleSubmitTest, AnUnknownDeviceIsRefusedWithTheKnownOnes) {
  desk.up(device("cpu"));
  JobSpec s = desk.spec();
  s.device = "cpo";
  const auto outcome = desk.offer(s);
  ASSERT_TRUE(outcome.answer.error);
  EXPECT_NE(outcome.answer.error->message.find("known are cpu"),
            std::string::npos);
  s.device = "class-cpu";
  desk.submit(s);
}

// -- dependencies -------------------------------------------------------------

TEST_F(ScheduleSubmitTest, ADependentJobWaitsForAllItDependsOn) {
  desk.up(device("cpu", 4));
  const JobId a = desk.submit(), b = desk.submit();
  const JobId c = desk.submit(on({a, b}));
  EXPECT_EQ(desk.state(c), JobState::blocked);
  desk.plan();
  desk.succeed(a);
  EXPECT_EQ(desk.state(c), JobState::blocked);
  EXPECT_NE(desk.why(c).find(to_string(b) + " (running)"), std::string::npos)
      << desk.why(c);
  desk.succeed(b);
  EXPECT_EQ(desk.state(c), JobState::queued);
  EXPECT_EQ(desk.plan(), std::vector{c});
  EXPECT_TRUE(desk.waits_for_sync[c]) << "it reads results from the log";
}

TEST_F(ScheduleSubmitTest, InputsAndBindingsAreDependencies) {
  const JobId a = desk.submit(), b = desk.submit();
  JobSpec s = desk.spec();
  s.inputs.push_back({"film", "", a, "out.mp4"});
  s.bindings.push_back({"/prompt", b, "/text"});
  s.bindings.push_back({"/title", b, "/title"});
  const JobId c = desk.submit(s);
  EXPECT_EQ(desk.specs.at(c).depends_on, (std::vector{a, b}));
  EXPECT_EQ(desk.state(c), JobState::blocked);
}

TEST_F(ScheduleSubmitTest,
       FailureReachesDependentsTransitivelyAndNamesItsCause) {
  desk.up(device("cpu"));
  const JobId a = desk.submit();
  const JobId b = desk.submit(on({a})), c = desk.submit(on({b}));
  desk.plan();
  desk.fail(a, FailureClass::invalid);
  EXPECT_EQ(desk.failure_of(b), FailureClass::dependency);
  EXPECT_EQ(desk.failure_of(c), FailureClass::dependency);
  const std::string message = desk.end_of(c).failure->message;
  EXPECT_NE(message.find(to_string(a)), std::string::npos) << message;
  EXPECT_NE(message.find(to_string(b)), std::string::npos) << message;
}

TEST_F(ScheduleSubmitTest, CancelAndExpiryReachDependentsToo) {
  const JobId a = desk.submit();
  const JobId b = desk.submit(on({a}));
  desk.cancel(a);
  EXPECT_EQ(desk.failure_of(b), FailureClass::dependency);
  JobSpec s = desk.spec();
  s.deadline_ms = desk.now.wall + 10;
  const JobId c = desk.submit(s);
  const JobId d = desk.submit(on({c}));
  desk.advance(10);
  EXPECT_EQ(desk.state(c), JobState::expired);
  EXPECT_EQ(desk.failure_of(d), FailureClass::dependency);
}

TEST_F(ScheduleSubmitTest, ADependencyThatSucceededBeforeBlocksNobody) {
  desk.up(device("cpu"));
  const JobId a = desk.submit();
  desk.plan();
  desk.succeed(a);
  const JobId b = desk.submit(on({a}));
  EXPECT_EQ(desk.state(b), JobState::queued);
  EXPECT_EQ(desk.jobs.at(b).seq, 2u) << "submitted, unblocked";
}

TEST_F(ScheduleSubmitTest, ADependencyThatFailedBeforeFailsItAtOnce) {
  const JobId a = desk.submit();
  desk.cancel(a);
  const JobId b = desk.submit(on({a}));
  EXPECT_EQ(desk.failure_of(b), FailureClass::dependency);
}

TEST_F(ScheduleSubmitTest,
       UnknownForgottenOwnAndForeignDependenciesAreRefused) {
  EXPECT_EQ(refusal(on({{9, 9}})), Errc::not_found);
  desk.forgotten.insert({9, 9});
  EXPECT_EQ(refusal(on({{9, 9}})), Errc::forgotten);
  JobSpec self = desk.spec();
  self.depends_on = {self.id};
  EXPECT_EQ(refusal(self), Errc::invalid_argument);
  JobSpec other = desk.spec();
  other.tenant = "u";
  const JobId foreign = desk.submit(other);
  EXPECT_EQ(refusal(on({foreign})), Errc::not_found)
      << "its result belongs to another tenant";
}

TEST_F(ScheduleSubmitTest, AParentMustBeAJobOfTheSameTenantOrForgotten) {
  JobSpec child = desk.spec();
  child.parent = JobId{9, 9};
  EXPECT_EQ(refusal(child), Errc::not_found);
  JobSpec other = desk.spec();
  other.tenant = "u";
  child.parent = desk.submit(other);
  EXPECT_EQ(refusal(child), Errc::not_found);
  desk.forgotten.insert({9, 9});
  child.parent = JobId{9, 9};
  EXPECT_EQ(desk.state(desk.submit(child)), JobState::queued);
  JobSpec second = desk.spec();
  second.parent = child.id;
  EXPECT_EQ(desk.state(desk.submit(second)), JobState::queued);
}

TEST_F(ScheduleSubmitTest, TooManyDependenciesAreRefused) {
  desk.options.limits.max_dependencies = 2;
  desk.restart();
  const JobId a = desk.submit(), b = desk.submit(), c = desk.submit();
  desk.submit(on({a, b}));
  EXPECT_EQ(refusal(on({a, b, c})), Errc::too_large);
}

TEST_F(ScheduleSubmitTest, AChainOfTenThousandFailsWithoutRecursion) {
  const JobId first = desk.submit();
  JobId last = first;
  for (int i = 0; i < 10'000; ++i) last = desk.submit(on({last}));
  desk.cancel(first);
  EXPECT_EQ(desk.failure_of(last), FailureClass::dependency);
  EXPECT_LT(desk.end_of(last).failure->message.size(), 300u);
}

}  // namespace
}  // namespace troupe
