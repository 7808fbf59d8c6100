// Cancel, pause, drain, and the answers to "why".
#include <gtest/gtest.h>

#include "tests/actors/schedule_desk.hpp"

namespace troupe {
namespace {

class ScheduleOrdersTest : public ::testing::Test {
 protected:
  bool says(JobId id, const std::string& words) {
    const std::string text = desk.why(id);
    if (text.find(words) != std::string::npos) return true;
    ADD_FAILURE() << "'" << words << "' is not in:\n" << text;
    return false;
  }
  /// On a device that is free again: jobs are expected to take as long.
  void a_job_has_taken(std::int64_t ms) {
    desk.up(device("cpu"));
    const JobId first = desk.submit();
    desk.plan();
    desk.advance(ms);
    desk.succeed(first);
  }
  Desk desk;
};

TEST_F(ScheduleOrdersTest, AQueuedJobIsCancelledAtOnce) {
  const JobId id = desk.submit();
  const CancelAnswer answer = desk.cancel(id);
  EXPECT_EQ(answer.state, JobState::cancelled);
  EXPECT_FALSE(answer.stopping);
  EXPECT_EQ(desk.state(id), JobState::cancelled);
  desk.up(device("cpu"));
  EXPECT_TRUE(desk.plan().empty());
}

TEST_F(ScheduleOrdersTest, ARunningJobIsCancelledWhenItsExecutorSaysSo) {
  desk.up(device("cpu"));
  const JobId id = desk.submit();
  desk.plan();
  EXPECT_TRUE(desk.cancel(id).stopping);
  EXPECT_TRUE(desk.cancel(id).stopping) << "again changes nothing";
  EXPECT_EQ(desk.stops.size(), 1u);
  EXPECT_EQ(desk.state(id), JobState::running);
  EXPECT_TRUE(desk.end(id, {JobState::cancelled, {}, {}, {}}));
  EXPECT_EQ(desk.state(id), JobState::cancelled);
}

TEST_F(ScheduleOrdersTest, ACancelledJobIsNotRetriedHoweverItEnds) {
  desk.up(device("cpu", 2));
  const JobId a = desk.submit(), b = desk.submit();
  desk.plan();
  desk.cancel(a);
  desk.cancel(b);
  desk.fail(a, FailureClass::transient);
  EXPECT_EQ(desk.state(a), JobState::cancelled);
  desk.advance(15'000);
  EXPECT_EQ(desk.state(b), JobState::cancelled) << "its lease ended";
}

TEST_F(ScheduleOrdersTest, AnExecutorMayNotCancelUnasked) {
  desk.up(device("cpu"));
  const JobId id = desk.submit();
  desk.plan();
  EXPECT_TRUE(desk.end(id, {JobState::cancelled, {}, {}, {}}));
  EXPECT_EQ(desk.state(id), JobState::queued);
  EXPECT_EQ(desk.requeues.at(id).failure.reason, "ended_unasked");
}

TEST_F(ScheduleOrdersTest, ADeviceWithoutAnExecutorIsDown) {
  desk.up(device("cpu"));
  EXPECT_TRUE(desk.schedule->status().down_devices.empty());
  desk.down("cpu");
  EXPECT_EQ(desk.schedule->status().down_devices,
            std::vector<std::string>{"cpu"});
}

TEST_F(ScheduleOrdersTest, WhatIsNotLiveOrAnothersIsNotFound) {
  EXPECT_EQ(desk.cancel({9, 9}).error->code, Errc::not_found);
  const JobId id = desk.submit();
  Decisions out;
  const auto answer = desk.schedule->cancel(id, "eve", "u", desk.now, out);
  EXPECT_EQ(answer.error->code, Errc::not_found);
  EXPECT_EQ(desk.state(id), JobState::queued);
  EXPECT_EQ(desk.schedule->explain({id, "u"}, desk.now).error().code,
            Errc::not_found);
}

TEST_F(ScheduleOrdersTest, ACancelOfWhatIsNotYetDurableEndsItWhenItIs) {
  const JobSpec s = desk.spec();
  Decisions out, none;
  desk.schedule->submit(s, desk.now, out);
  EXPECT_TRUE(desk.schedule->cancel(s.id, "anna", "", desk.now, none).stopping);
  EXPECT_TRUE(none.changes.empty()) << "its submit may still be refused";
  desk.absorb(out);
  EXPECT_EQ(desk.state(s.id), JobState::cancelled);
}

TEST_F(ScheduleOrdersTest, APausedQueueStartsNothingAndLetsWhatRunsGoOn) {
  desk.up(device("cpu", 2));
  const JobId a = desk.submit();
  desk.plan();
  EXPECT_TRUE(desk.order(ControlVerb::pause));
  EXPECT_TRUE(desk.order(ControlVerb::pause)) << "again is no fault";
  const JobId b = desk.submit();
  EXPECT_TRUE(desk.plan().empty());
  says(b, "the queue is paused");
  desk.succeed(a);
  EXPECT_TRUE(desk.schedule->status().paused);
  EXPECT_TRUE(desk.order(ControlVerb::resume));
  EXPECT_EQ(desk.plan(), std::vector{b});
}

TEST_F(ScheduleOrdersTest, AKindAndADevicePauseByThemselves) {
  desk.up(device("a", 4, kGiB, {"work", "play"}));
  JobSpec s = desk.spec();
  s.kind = "play";
  EXPECT_TRUE(desk.order(ControlVerb::pause, "work"));
  const JobId work = desk.submit(), play = desk.submit(s);
  EXPECT_EQ(desk.plan(), std::vector{play});
  says(work, "kind work is paused");
  EXPECT_TRUE(desk.order(ControlVerb::resume, "work"));
  EXPECT_TRUE(desk.order(ControlVerb::drain, "", "a"));
  EXPECT_TRUE(desk.plan().empty());
  says(work, "paused: device a");
  EXPECT_EQ(desk.schedule->status().paused_devices,
            std::vector<std::string>{"a"});
  EXPECT_TRUE(desk.order(ControlVerb::resume, "", "a"));
  EXPECT_EQ(desk.plan(), std::vector{work});
}

TEST_F(ScheduleOrdersTest, ADrainingQueueRunsWhatIsHereAndTakesNoMore) {
  desk.up(device("cpu"));
  const JobId a = desk.submit();
  EXPECT_TRUE(desk.order(ControlVerb::drain));
  EXPECT_EQ(desk.offer(desk.spec()).answer.error->code, Errc::unavailable);
  EXPECT_EQ(desk.plan(), std::vector{a});
  EXPECT_NE(desk.schedule->accepting().find("draining"), std::string::npos);
  EXPECT_TRUE(desk.schedule->status().draining);
  EXPECT_EQ(desk.schedule->status().accepting, desk.schedule->accepting());
  EXPECT_TRUE(desk.order(ControlVerb::resume));
  EXPECT_EQ(desk.schedule->accepting(), "yes");
  EXPECT_FALSE(desk.schedule->status().draining);
}

TEST_F(ScheduleOrdersTest, ADrainingKindIsNamedUntilItResumes) {
  desk.up(device("cpu", 1, kGiB, {"work", "play"}));
  EXPECT_TRUE(desk.order(ControlVerb::drain, "work"));
  EXPECT_EQ(desk.schedule->status().draining_kinds,
            std::vector<std::string>{"work"});
  EXPECT_FALSE(desk.schedule->status().draining);
  EXPECT_EQ(desk.schedule->accepting(), "yes, but not work (draining)");
  EXPECT_TRUE(desk.order(ControlVerb::resume, "work"));
  EXPECT_TRUE(desk.schedule->status().draining_kinds.empty());
}

TEST_F(ScheduleOrdersTest, OrdersForWhatDoesNotExistAreRefused) {
  desk.up(device("cpu"));
  const auto error = desk.order(ControlVerb::pause, "", "cqu").error();
  EXPECT_EQ(error.code, Errc::invalid_argument);
  EXPECT_EQ(error.message,
            "device 'cqu' is unknown; did you mean 'cpu'? known are cpu");
  EXPECT_EQ(desk.order(ControlVerb::pause, "work", "cpu").error().code,
            Errc::invalid_argument);
}

TEST_F(ScheduleOrdersTest, EveryOrderLeavesItsAuditRecord) {
  Decisions out;
  ASSERT_TRUE(desk.schedule->control({ControlVerb::pause, "work", "", "anna"},
                                     desk.now, out));
  ASSERT_EQ(out.changes.size(), 1u);
  EXPECT_EQ(out.changes[0].type, ChangeType::control);
  EXPECT_EQ(out.changes[0].note->name, "pause");
  EXPECT_EQ(out.changes[0].note->data, R"({"kind":"work"})");
  EXPECT_EQ(out.changes[0].note->by, "anna");
}

// -- explain ------------------------------------------------------------------

TEST_F(ScheduleOrdersTest, ABlockedJobSaysForWhatAndUntilWhenItWaits) {
  const JobId first = desk.submit();
  JobSpec s = desk.spec();
  s.depends_on = {first};
  s.not_before_ms = desk.now.wall + 60'000;
  const JobId id = desk.submit(s);
  says(id, "it waits for 1 job: " + to_string(first));
  says(id, "it may not start before ");
  const auto reply = desk.schedule->explain({id, ""}, desk.now);
  EXPECT_EQ(reply->data,
            R"({"reason":"dependencies","waits_for":1,"not_before_ms":)" +
                std::to_string(*s.not_before_ms) + "}");
}

TEST_F(ScheduleOrdersTest, SaysThatNoDeviceServesTheKind) {
  const JobId id = desk.submit();
  says(id, "no device serves work yet");
}

TEST_F(ScheduleOrdersTest, SaysWhoHoldsTheMemoryItNeedsAndForesaysNothing) {
  a_job_has_taken(2'000);
  desk.up(device("cpu", 4, 4 * kGiB));
  JobSpec s = desk.spec();
  s.memory_bytes = 3 * kGiB;
  const JobId a = desk.submit(s);
  s = desk.spec();
  s.memory_bytes = 2 * kGiB;
  desk.plan();
  const JobId b = desk.submit(s);
  desk.plan();
  says(b, "it needs 2 GiB; cpu has 1 GiB free of 4 GiB, held by " +
              to_string(a) + " (3 GiB)");
  const auto reply = desk.schedule->explain({b, ""}, desk.now);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->ahead, 0u);
  EXPECT_EQ(reply->expected_start_ms, std::nullopt);
}

TEST_F(ScheduleOrdersTest, SaysHowManyAreAheadAndWhenItsTurnComes) {
  a_job_has_taken(2'000);
  std::vector<JobId> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(desk.submit());
  desk.plan();
  const auto reply = desk.schedule->explain({ids[4], ""}, desk.now);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->ahead, 3u);
  EXPECT_EQ(reply->expected_start_ms, desk.now.wall + 8'000);
  EXPECT_EQ(reply->expected_end_ms, desk.now.wall + 10'000);
  says(ids[4], "every slot of cpu is taken (1)");
}

TEST_F(ScheduleOrdersTest, ForeseesNoEndOfWhatRunsLongerThanUsual) {
  a_job_has_taken(2'000);
  const JobId runs = desk.submit();
  desk.plan();
  const JobId waits = desk.submit();
  desk.advance(1'500);
  EXPECT_EQ(desk.schedule->explain({runs, ""}, desk.now)->expected_end_ms,
            desk.now.wall + 500);
  EXPECT_TRUE(desk.schedule->explain({waits, ""}, desk.now)->expected_start_ms);
  desk.advance(500);
  says(runs, "it takes longer than the usual 2.0 s");
  EXPECT_EQ(desk.schedule->explain({runs, ""}, desk.now)->expected_end_ms,
            std::nullopt);
  const auto reply = desk.schedule->explain({waits, ""}, desk.now);
  EXPECT_EQ(reply->expected_start_ms, std::nullopt);
  EXPECT_EQ(reply->expected_end_ms, std::nullopt);
  says(waits, "nothing is known of when its turn comes");
}

TEST_F(ScheduleOrdersTest, TwoJobsThatTheirAgeLiftsDoNotEndTogether) {
  a_job_has_taken(10'000);
  desk.submit();
  desk.plan();
  JobSpec s = desk.spec();
  s.priority = Priority::low;
  const JobId first = desk.submit(s);
  s = desk.spec();
  s.priority = Priority::low;
  const JobId second = desk.submit(s);
  for (int i = 0; i < 30; ++i) desk.submit();
  const auto one = desk.schedule->explain({first, ""}, desk.now);
  const auto two = desk.schedule->explain({second, ""}, desk.now);
  ASSERT_TRUE(one->expected_end_ms && two->expected_end_ms);
  EXPECT_EQ(*two->expected_end_ms, *one->expected_end_ms + 10'000);
}

TEST_F(ScheduleOrdersTest, ExpectsAJobWhenItsAgeLiftsIt) {
  a_job_has_taken(10'000);
  desk.submit();
  desk.plan();
  JobSpec s = desk.spec();
  s.priority = Priority::low;
  const JobId low = desk.submit(s);
  for (int i = 0; i < 30; ++i) desk.submit();
  const auto reply = desk.schedule->explain({low, ""}, desk.now);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->ahead, 30u) << "as things are";
  const auto two_steps = 2 * SchedulerLimits{}.ageing_step_ms;
  EXPECT_EQ(reply->expected_start_ms, desk.now.wall + two_steps);
}

TEST_F(ScheduleOrdersTest, CountsTheTurnsOfOtherTenants) {
  for (int i = 0; i < 10; ++i) {
    JobSpec s = desk.spec();
    s.tenant = "u";
    desk.submit(s);
  }
  desk.up(device("cpu"));
  desk.submit();
  const JobId mine = desk.submit();
  const auto reply = desk.schedule->explain({mine, ""}, desk.now);
  EXPECT_GE(reply->ahead, 2u);
  EXPECT_LE(reply->ahead, 3u) << "its own one and as many of the other";
}

TEST_F(ScheduleOrdersTest, SaysWhyARunningJobRunsWhereItDoes) {
  desk.up(device("a"));
  desk.up(device("b"));
  const JobId id = desk.submit();
  desk.plan();
  says(id, "attempt 1 runs on a");
  says(id, "the one with the earliest expected end");
  EXPECT_EQ(desk.schedule->explain({id, ""}, desk.now)->data,
            desk.started.at(id).decision);
}

TEST_F(ScheduleOrdersTest, SaysWhenARetryMayStart) {
  desk.up(device("cpu"));
  const JobId id = desk.submit();
  desk.plan();
  desk.fail(id, FailureClass::transient);
  says(id, "attempt 1 failed; the next may start at");
}

TEST_F(ScheduleOrdersTest, SaysHowAnEndedJobEnded) {
  JobView view;
  view.spec = desk.spec();
  view.state = JobState::failed;
  view.attempt = 3;
  view.device = "cpu";
  view.failure = Failure{FailureClass::transient, "lease_lost", "silence", {}};
  const ExplainReply reply = explain_ended(view);
  ASSERT_EQ(reply.sentences.size(), 3u);
  EXPECT_EQ(reply.sentences[0], "it failed after 3 attempts, the last on cpu");
  EXPECT_EQ(reply.sentences[1], "transient failure, lease_lost: silence");
  EXPECT_EQ(reply.sentences[2],
            "such failures are retried; its 3 attempts are used up");
}

TEST_F(ScheduleOrdersTest, SaysWhereAnEndedJobRanAndWhy) {
  JobView view;
  view.state = JobState::succeeded;
  view.attempt = 1;
  view.device = "w2/cpu";
  const auto reply = explain_ended(view, R"({"waited_ms":3,"of":[]})");
  EXPECT_NE(reply.sentences.back().find("earliest expected end"),
            std::string::npos);
  EXPECT_EQ(reply.data,
            R"({"reason":"ended","decision":{"waited_ms":3,"of":[]}})");
  EXPECT_EQ(explain_ended(view).data, R"({"reason":"ended"})");
}

TEST_F(ScheduleOrdersTest, SaysWhyAnEndedJobWasNotRepeated) {
  JobView view;
  view.spec = desk.spec();
  view.spec.retry.max_attempts = 1;
  view.state = JobState::failed;
  view.attempt = 1;
  view.failure = Failure{FailureClass::transient, "lease_lost", "silence", {}};
  EXPECT_EQ(explain_ended(view).sentences.back(),
            "it was given one attempt; --retries N gives more");
  view.spec.on_lost = OnLost::fail;
  for (const char* reason : {"node_shutdown", "guard_lost", "node_crashed",
                             "device_lost", "lease_lost", "not_stopped"}) {
    view.failure->reason = reason;
    EXPECT_EQ(explain_ended(view).sentences.back(),
              "on_lost is fail: it is not repeated after a lost attempt");
  }
  view.failure = Failure{FailureClass::command, "exit_status", "status 1", {}};
  EXPECT_EQ(explain_ended(view).sentences.back(),
            "command failure, exit_status: status 1");
}

}  // namespace
}  // namespace troupe
