// What an attempt of process.run tells while it runs, and the logs that stay.
#include "tests/connectors/attempts_fixture.hpp"

namespace troupe {
namespace {

class AttemptLogsTest : public AttemptsTest {};

TEST_F(AttemptLogsTest, ALaterAttemptBringsTheLogsOfEarlierOnes) {
  run(script("echo first; exit 1"));
  token.attempt = 2;
  const auto end = run(script("echo second"));
  EXPECT_EQ(text_of(end, "attempt-1.log"), "stdout | first\n");
  EXPECT_EQ(text_of(end, "attempt-2.log"), "stdout | second\n");
}

TEST_F(AttemptLogsTest, TheLogOfAnAttemptLostWithItsNodeIsKeptToo) {
  attempts->assign(assignment(script("echo precious; exec sleep 600")));
  ASSERT_TRUE(sink.wait_for_line("precious"));
  reopen();  // As after a crash: nothing was told, nothing was saved.
  EXPECT_EQ(sink.end_count(), 0u);
  token = {.epoch = 2, .job = token.job, .attempt = 2};
  const auto end = run(script("echo again"));
  EXPECT_EQ(text_of(end, "attempt-1.log"), "stdout | precious\n");
}

TEST_F(AttemptLogsTest, TheLogOfAJobThatEndsWithItsNodeCanStillBeKept) {
  attempts->assign(assignment(script("echo precious; exec sleep 600")));
  ASSERT_TRUE(sink.wait_for_line("precious"));
  reopen();
  auto kept = keep_lost_logs(dir / "process", token.job, 1, *artifacts);
  ASSERT_EQ(kept.artifacts.size(), 1u);
  EXPECT_EQ(artifacts->text_of(kept.artifacts[0]), "stdout | precious\n");
  EXPECT_EQ(kept.last_lines, std::vector<std::string>{"stdout | precious"});
  EXPECT_EQ(keep_lost_logs(dir / "process", token.job, 1, *artifacts)
                .artifacts.size(),
            1u)
      << "the node may go down before the end is on disk";
  remove_logs(dir / "process", token.job);
  EXPECT_TRUE(keep_lost_logs(dir / "process", token.job, 1, *artifacts)
                  .artifacts.empty());
}

TEST_F(AttemptLogsTest, TheLogOfAnAttemptWhoseEndWasLostWithItsNodeIsKeptToo) {
  run(script("echo precious"));
  reopen();  // The end was told and never reached the disk.
  token = {.epoch = 2, .job = token.job, .attempt = 2};
  const auto end = run(script("echo again"));
  EXPECT_EQ(text_of(end, "attempt-1.log"), "stdout | precious\n");
}

TEST_F(AttemptLogsTest, AStartRemovesTheLogsOfJobsThatAreOver) {
  run(script("echo over; exit 1"));
  const auto over = token.job;
  ++token.job.lo;
  run(script("echo waits; exit 1"));
  const auto logs = [&](JobId job) {
    return dir / "process/logs" / to_string(job);
  };
  EXPECT_TRUE(std::filesystem::exists(logs(over))) << "it may come back";
  is_over = [&](JobId job) { return job == over; };
  reopen();
  EXPECT_FALSE(std::filesystem::exists(logs(over)));
  EXPECT_TRUE(std::filesystem::exists(logs(token.job)));
  remove_logs(dir / "process", token.job);
  EXPECT_FALSE(std::filesystem::exists(logs(token.job)));
}

TEST_F(AttemptLogsTest, EncodesWithFfmpegAndFollowsItsProgress) {
  if (std::system("ffmpeg -version >/dev/null 2>&1") != 0)
    GTEST_SKIP() << "ffmpeg is not installed";
  auto params = Json{{"argv",
                      {"ffmpeg", "-nostdin", "-f", "lavfi", "-i",
                       "testsrc=duration=2:size=320x240:rate=25", "-progress",
                       "-", "-nostats", "film.mkv"}},
                     {"outputs", {"film.mkv"}}};
  params["progress"] = Json::array({{{"rule", "ffmpeg"}, {"duration_s", 2}}});
  const auto end = run(params);
  ASSERT_EQ(end.state, JobState::succeeded) << end.failure->message;
  EXPECT_EQ(end.artifacts[0].name, "film.mkv");
  EXPECT_EQ(text_of(end, "film.mkv").substr(0, 4), "\x1A\x45\xDF\xA3");
  std::optional<Progress> last;
  for (const auto& event : sink.live())
    if (event.progress) last = event.progress;
  ASSERT_TRUE(last);
  EXPECT_EQ(last->percent, 100);
  EXPECT_EQ(last->done, 50);
  EXPECT_EQ(last->unit, "frame");
}

TEST_F(AttemptLogsTest, ABarThatTheNextOneWillEndIsProgressAtOnce) {
  const auto go = dir / "go";
  auto params = script(
      "printf '\\r 50%%|##  | 1/2 [00:01<00:01,  1.0it/s]'; until [ -e '" +
      go.string() + "' ]; do sleep 0.01; done");
  params["progress"] = {"tqdm"};
  const auto one = assignment(params);
  attempts->assign(one);
  EXPECT_TRUE(platform::eventually([&] {
    return std::ranges::any_of(sink.live(), [](const LiveEvent& event) {
      return event.progress && event.progress->done == 1;
    });
  }));
  ASSERT_TRUE(platform::create_new(go));
  EXPECT_TRUE(sink.wait_for_end(token));
}

TEST_F(AttemptLogsTest, ShowsProgressAndPhases) {
  auto params = script("printf '30%%\\n'; sleep 0.3; printf '60%%\\n'");
  params["progress"] = {"percent"};
  run(params);
  std::vector<double> percents;
  std::vector<Phase> phases;
  for (const auto& event : sink.live()) {
    if (!event.progress) continue;
    percents.push_back(event.progress->percent);
    phases.push_back(event.progress->phase);
  }
  EXPECT_EQ(phases.front(), Phase::loading);
  EXPECT_EQ(phases.back(), Phase::saving);
  EXPECT_EQ(percents.back(), 60);
  EXPECT_TRUE(std::is_sorted(percents.begin(), percents.end()));
}

TEST_F(AttemptLogsTest, AFloodOfLinesBecomesAFewBatches) {
  const auto end = run(
      script("i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done"));
  const auto wall_ms = Json::parse(end.result)["wall_ms"].get<int>();
  EXPECT_LE(sink.batches(), wall_ms / 100 + 6);
  EXPECT_EQ(
      sink.live().back().log ? sink.live().back().log->text : "line 19999",
      "line 19999");
}

TEST_F(AttemptLogsTest, SilenceIsALiveLineOfTheNode) {
  auto params = script("sleep 0.3");
  params["quiet_ms"] = 50;
  run(params);
  bool told = false;
  for (const auto& event : sink.live())
    told = told || (event.log && event.log->stream == "node");
  EXPECT_TRUE(told);
}

TEST_F(AttemptLogsTest, EachSilenceIsOneNote) {
  auto params = script("sleep 0.4; echo awake; sleep 0.4");
  params["quiet_ms"] = 100;
  run(params);
  const auto notes = sink.notes();
  ASSERT_EQ(notes.size(), 2u);
  EXPECT_EQ(notes[0].token, token);
  EXPECT_EQ(notes[0].note.name, "quiet");
  EXPECT_GE(Json::parse(notes[0].note.data)["silent_ms"].get<int>(), 100);
}

TEST_F(AttemptLogsTest, NoMoreSilencesThanTheLimitAreNoted) {
  auto params = script("for i in 1 2 3 4 5; do echo $i; sleep 0.2; done");
  params["quiet_ms"] = 50;
  reopen(2);
  run(params);
  EXPECT_EQ(sink.notes().size(), 2u);
}

}  // namespace
}  // namespace troupe
