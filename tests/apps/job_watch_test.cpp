#include "apps/job_watch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apps/render/amounts.hpp"

namespace troupe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

PullReply durable(ChangeType type, std::uint32_t attempt, UnixMs time) {
  PullReply reply;
  auto& change = reply.entries.emplace_back().change;
  change.type = type;
  change.attempt = attempt;
  change.time_ms = time;
  if (type == ChangeType::started) change.start = Started{"cpu", 0, ""};
  if (type == ChangeType::requeued)
    change.requeue =
        Requeued{{FailureClass::transient, "lost", "node died", {}}, 0, 0, 0};
  if (type == ChangeType::ended) change.end = JobEnd{};
  return reply;
}

PullReply progress(std::uint32_t attempt, double percent) {
  PullReply reply;
  auto& event = reply.live.emplace_back();
  event.attempt = attempt;
  event.progress = Progress{};
  event.progress->percent = percent;
  return reply;
}

TEST(JobWatchTest, TellsEachMoveOnce) {
  JobWatch watch{JobState::queued};
  EXPECT_THAT(watch.apply(durable(ChangeType::started, 1, 0), 0),
              ElementsAre("running, attempt 1 on cpu"));
  EXPECT_THAT(
      watch.apply(durable(ChangeType::requeued, 1, 0), 0),
      ElementsAre("attempt 1 is to be repeated as attempt 2: node died"));
  EXPECT_EQ(watch.state(), JobState::queued);
  EXPECT_THAT(watch.apply(durable(ChangeType::ended, 1, 0), 0), IsEmpty());
  EXPECT_EQ(watch.state(), JobState::succeeded);
  EXPECT_TRUE(watch.end());
}

TEST(JobWatchTest, BesideATextOnlyAttemptsAreToldAndBesideABarOnlyTheirLoss) {
  for (const auto wanted : {WatchLines::moves, WatchLines::repeats}) {
    JobWatch watch{JobState::queued};
    EXPECT_THAT(watch.apply(durable(ChangeType::submitted, 0, 0), 0, wanted),
                IsEmpty());
    const auto began =
        watch.apply(durable(ChangeType::started, 1, 0), 0, wanted);
    EXPECT_EQ(began.size(), wanted == WatchLines::moves ? 1u : 0u);
    EXPECT_EQ(watch.attempt(), 1u);
    EXPECT_THAT(watch.apply(progress(1, 50), 0, wanted), IsEmpty());
    EXPECT_THAT(
        watch.apply(durable(ChangeType::requeued, 1, 0), 0, wanted),
        ElementsAre("attempt 1 is to be repeated as attempt 2: node died"));
  }
}

TEST(JobWatchTest, LiveEventsAreNoStart) {
  JobWatch watch{JobState::queued};
  watch.apply(progress(1, 50), 0);
  EXPECT_EQ(watch.attempt(), 0u);
}

TEST(JobWatchTest, TellsNotesInWords) {
  PullReply quiet;
  auto& change = quiet.entries.emplace_back().change;
  change.type = ChangeType::noted;
  change.note = Note{"quiet", R"({"silent_ms":30000})", ""};
  JobWatch watch{JobState::running};
  EXPECT_THAT(watch.apply(quiet, 0), ElementsAre("no output for 30 s"));
  JobWatch beside_the_log{JobState::running, false};
  EXPECT_THAT(beside_the_log.apply(quiet, 0), IsEmpty());
  EXPECT_THAT(note_text({"engine_full", "{}", ""}),
              StartsWith("waits for room in its engine"));
  EXPECT_EQ(note_text({"engine_room", "{}", ""}),
            "its engine has room for it now");
  EXPECT_EQ(note_text({"cancel_requested", "{}", "ann"}),
            "cancel requested by ann");
}

TEST(JobWatchTest, ProgressWithoutAPercentageSaysWhatItKnows) {
  Progress progress;
  EXPECT_EQ(progress_text(progress), "executing");
  progress.percent = 42;
  progress.done = 42;
  progress.total = 100;
  progress.unit = "step";
  EXPECT_EQ(progress_text(progress), "42%  executing  42/100 step");
}

TEST(JobWatchTest, TellsProgressEveryTenPercent) {
  JobWatch watch{JobState::queued};
  watch.apply(durable(ChangeType::started, 1, 0), 0);
  EXPECT_THAT(watch.apply(progress(1, 9.9), 0), IsEmpty());
  EXPECT_THAT(watch.apply(progress(1, 25), 0), ElementsAre("20%"));
  EXPECT_THAT(watch.apply(progress(1, 29), 0), IsEmpty());
  EXPECT_THAT(watch.apply(progress(1, 100), 0), ElementsAre("100%"));
}

Progress loading(std::int64_t done) {
  Progress progress;
  progress.phase = Phase::loading;
  progress.done = done << 20;
  progress.total = 100 << 20;
  progress.unit = kBytesUnit;
  progress.percent = static_cast<double>(done);
  return progress;
}

TEST(JobWatchTest, ALoadIsToldInBytesAndThenTheWorkFromItsBeginning) {
  EXPECT_EQ(progress_text(loading(42)), "42%  loading  42.0 MiB/100.0 MiB");
  JobWatch watch{JobState::queued};
  watch.apply(durable(ChangeType::started, 1, 1'000), 1'000);
  auto event = progress(1, 0);
  event.live[0].progress = loading(42);
  EXPECT_THAT(watch.apply(event, 3'000), ElementsAre("loading 40%"));
  const auto line = watch.line({100, false, false}, 3'000);
  EXPECT_THAT(line, HasSubstr("loading"));
  EXPECT_THAT(line, HasSubstr("42.0 MiB/100.0 MiB  21.0 MiB/s"));
  event.live[0].progress = Progress{};
  event.live[0].progress->percent = 25;
  event.live[0].progress->unit = kPromptUnit;
  EXPECT_THAT(watch.apply(event, 5'000), ElementsAre("prompt 20%"));
  event.live[0].progress->unit = "token";
  EXPECT_THAT(watch.apply(event, 6'000), ElementsAre("20%"));
}

TEST(JobWatchTest, ProgressThatOvertookTheStartIsToldAfterIt) {
  JobWatch watch{JobState::queued};
  EXPECT_THAT(watch.apply(progress(1, 100), 0), IsEmpty());
  EXPECT_THAT(watch.line({80, false, false}, 0), HasSubstr("100%"));
  EXPECT_THAT(watch.apply(durable(ChangeType::started, 1, 0), 0),
              ElementsAre("running, attempt 1 on cpu", "100%"));
  EXPECT_THAT(watch.apply(progress(1, 100), 0), IsEmpty()) << "told twice";
}

TEST(JobWatchTest, ProgressThatOvertookASecondStartIsNotTheFirstOnes) {
  JobWatch watch{JobState::queued};
  watch.apply(durable(ChangeType::started, 1, 0), 0);
  EXPECT_THAT(watch.apply(progress(2, 30), 0), IsEmpty());
  EXPECT_THAT(watch.apply(progress(1, 90), 0), IsEmpty());
  EXPECT_THAT(watch.apply(durable(ChangeType::started, 2, 0), 0),
              ElementsAre("running, attempt 2 on cpu", "30%"));
}

TEST(GapTextTest, NamesAtMostWhatWasLost) {
  EXPECT_EQ(gap_text(1), "[... up to 1 line not shown live; see the log ...]");
  EXPECT_EQ(gap_text(12),
            "[... up to 12 lines not shown live; see the log ...]");
}

TEST(JobWatchTest, ProgressOfAnEarlierAttemptIsNotShown) {
  JobWatch watch{JobState::queued};
  watch.apply(durable(ChangeType::started, 2, 0), 0);
  EXPECT_THAT(watch.apply(progress(1, 90), 0), IsEmpty());
}

TEST(JobWatchTest, ANewAttemptBeginsAtNothing) {
  JobWatch watch{JobState::queued};
  watch.apply(durable(ChangeType::started, 1, 0), 0);
  watch.apply(progress(1, 90), 0);
  watch.apply(durable(ChangeType::started, 2, 0), 0);
  EXPECT_THAT(watch.line({80, false, false}, 0), HasSubstr("-%"));
}

TEST(JobWatchTest, FillsInRateAndTimeLeftByItsOwnClock) {
  JobWatch watch{JobState::queued};
  watch.apply(durable(ChangeType::started, 1, 10'000), 10'000);
  auto half = progress(1, 50);
  half.live[0].progress->done = 40;
  watch.apply(half, 12'000);
  const auto line = watch.line({80, false, false}, 14'000);
  EXPECT_THAT(line, HasSubstr("10/s"));
  EXPECT_THAT(line, HasSubstr("ETA 0:04"));
}

TEST(EndTextTest, SaysWhichDeadlineAJobMissed) {
  JobView job;
  job.state = JobState::expired;
  job.started_ms = 0;
  job.ended_ms = 1'000;
  job.spec.deadline_ms = 1'000;
  EXPECT_THAT(end_text(job),
              HasSubstr("expired in 1.0 s\n  its deadline, " +
                        render::local_time(1'000) + ", has passed\n"));
  job.state = JobState::cancelled;
  EXPECT_THAT(end_text(job), Not(HasSubstr("deadline")));
}

TEST(EndTextTest, SaysWhyAJobFailedWithItsLastLines) {
  JobView job;
  job.state = JobState::failed;
  job.attempt = 2;
  job.started_ms = 0;
  job.ended_ms = 1'500;
  job.failure = Failure{FailureClass::command,
                        "exit_status",
                        "it exited with status 3",
                        {"first", "las\x1bt"}};
  EXPECT_THAT(end_text(job),
              HasSubstr("failed in 1.5 s, attempt 2\n"
                        "  command (exit_status): it exited with status 3\n"
                        "  | first\n  | las␛t\n"));
}

}  // namespace
}  // namespace troupe
