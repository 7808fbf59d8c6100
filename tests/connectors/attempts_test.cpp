#include "connectors/process/attempts.hpp"

#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "tests/connectors/folder_artifacts.hpp"
#include "tests/connectors/guard_path.hpp"
#include "tests/platform/eventually.hpp"
#include "tests/platform/temp_dir.hpp"

namespace troupe {
namespace {

using Json = nlohmann::ordered_json;

class RecordedSink : public AttemptSink {
 public:
  void live(std::vector<LiveEvent> events) override {
    const std::lock_guard lock{mutex_};
    ++batches_;
    for (auto& event : events) live_.push_back(std::move(event));
    news_.notify_all();
  }
  void ended(AttemptEnd end) override {
    const std::lock_guard lock{mutex_};
    ends_.push_back(std::move(end));
    news_.notify_all();
  }

  void noted(AttemptNote note) override {
    const std::lock_guard lock{mutex_};
    notes_.push_back(std::move(note));
  }

  std::vector<AttemptNote> notes() {
    const std::lock_guard lock{mutex_};
    return notes_;
  }
  std::optional<AttemptEnd> wait_for_end(const Token& token) {
    std::unique_lock lock{mutex_};
    std::optional<AttemptEnd> found;
    news_.wait_for(lock, std::chrono::seconds{30}, [&] {
      for (const auto& end : ends_)
        if (end.token == token) found = end;
      return found.has_value();
    });
    return found;
  }
  bool wait_for_line(const std::string& text) {
    std::unique_lock lock{mutex_};
    return news_.wait_for(lock, std::chrono::seconds{30}, [&] {
      for (const auto& event : live_)
        if (event.log && event.log->text == text) return true;
      return false;
    });
  }
  std::vector<LiveEvent> live() {
    const std::lock_guard lock{mutex_};
    return live_;
  }
  int batches() {
    const std::lock_guard lock{mutex_};
    return batches_;
  }
  std::size_t end_count() {
    const std::lock_guard lock{mutex_};
    return ends_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable news_;
  std::vector<LiveEvent> live_;
  std::vector<AttemptNote> notes_;
  std::vector<AttemptEnd> ends_;
  int batches_ = 0;
};

class AttemptsTest : public ::testing::Test {
 protected:
  platform::TempDir dir;
  std::shared_ptr<FolderArtifacts> artifacts =
      std::make_shared<FolderArtifacts>(dir / "artifacts");
  RecordedSink sink;
  std::function<bool(JobId)> is_over;
  std::unique_ptr<ProcessAttempts> attempts;
  Token token{.epoch = 1,
              .job = {.hi = static_cast<std::uint64_t>(::getpid()), .lo = 7},
              .attempt = 1};

  void SetUp() override { reopen(); }
  void reopen(std::uint32_t max_quiet_notes = 100) {
    attempts.reset();
    auto made = ProcessAttempts::create(
        {.folder = dir / "process",
         .guard = guard_path(),
         .artifacts = artifacts,
         .environment = {{"PATH", "/usr/bin:/bin"}, {"SECRET", "s"}},
         .is_over = is_over,
         .umask = 0027,
         .max_quiet_notes = max_quiet_notes},
        sink);
    ASSERT_TRUE(made) << made.error().message;
    attempts = *std::move(made);
  }

  Assignment assignment(const Json& params) {
    Assignment one;
    one.token = token;
    one.spec.id = token.job;
    one.spec.kind = "process.run";
    one.spec.params = params.dump();
    return one;
  }
  static Json script(const std::string& text) {
    return Json{{"argv", {"sh", "-c", text}}};
  }
  JobEnd run(const Assignment& one) {
    attempts->assign(one);
    auto end = sink.wait_for_end(one.token);
    EXPECT_TRUE(end) << "the attempt never ended";
    return end ? end->end : JobEnd{};
  }
  JobEnd run(const Json& params) { return run(assignment(params)); }

  std::string text_of(const JobEnd& end, const std::string& name) {
    for (const auto& ref : end.artifacts)
      if (ref.name == name) return artifacts->text_of(ref);
    return "no artifact " + name;
  }
  static std::size_t files_in(const std::filesystem::path& folder) {
    std::size_t n = 0;
    for ([[maybe_unused]] const auto& entry :
         std::filesystem::recursive_directory_iterator(folder))
      ++n;
    return n;
  }
};

TEST_F(AttemptsTest, OutputsAndLogBecomeArtifacts) {
  auto params = script("echo hello; echo film > out.mp4");
  params["outputs"] = {"out.mp4"};
  const auto end = run(params);
  ASSERT_EQ(end.state, JobState::succeeded);
  EXPECT_EQ(text_of(end, "out.mp4"), "film\n");
  EXPECT_EQ(end.artifacts[0].media_type, "video/mp4");
  EXPECT_EQ(text_of(end, "attempt-1.log"), "stdout | hello\n");
  const auto result = Json::parse(end.result);
  EXPECT_EQ(result["exit_code"], 0);
  EXPECT_GT(result["peak_rss_bytes"], 0);
  EXPECT_TRUE(result.contains("cpu_user_ms"));
}

TEST_F(AttemptsTest, OnlyTheLogStaysBehindUntilTheEndIsOnDisk) {
  const auto one = assignment(script("echo x; touch file"));
  run(one);
  EXPECT_EQ(files_in(dir / "process"),
            5u);  // Three folders; the job's, its log.
  remove_logs(dir / "process", one.token.job);
  EXPECT_EQ(files_in(dir / "process"), 3u);
}

TEST_F(AttemptsTest, InputsAreThereByNameAndAreCopies) {
  const auto hash = artifacts->put("from the store");
  auto one = assignment(script("cat in.txt sub/b; echo spoiled > in.txt"));
  one.inputs = {{.name = "in.txt", .sha256 = hash},
                {.name = "sub/b", .sha256 = hash}};
  const auto end = run(one);
  EXPECT_EQ(text_of(end, "attempt-1.log"),
            "stdout | from the storefrom the store\n");
  EXPECT_EQ(*platform::read_file(dir / "artifacts" / hash), "from the store");
}

TEST_F(AttemptsTest, StandardInputComesFromTextOrFromAnInput) {
  auto params = script("cat");
  params["stdin"] = "typed";
  EXPECT_EQ(text_of(run(params), "attempt-1.log"), "stdout | typed\n");
  auto other = assignment({{"argv", {"cat"}}, {"stdin_input", "f"}});
  other.token.attempt = 2;
  other.inputs = {{.name = "f", .sha256 = artifacts->put("stored")}};
  EXPECT_EQ(text_of(run(other), "attempt-2.log"), "stdout | stored\n");
}

TEST_F(AttemptsTest, OnlyNamedVariablesAreInherited) {
  auto params = Json{{"argv", {"env"}}, {"env", {{"A", "1"}}}};
  const auto log = text_of(run(params), "attempt-1.log");
  EXPECT_EQ(log.find("SECRET"), std::string::npos);
  EXPECT_NE(log.find("stdout | A=1\n"), std::string::npos);
  EXPECT_NE(log.find("stdout | PATH=/usr/bin:/bin\n"), std::string::npos);
  EXPECT_NE(log.find("stdout | TROUPE_SCRATCH="), std::string::npos);
}

TEST_F(AttemptsTest, ANonZeroExitIsAFailureOfTheCommandWithItsLastLines) {
  const auto end = run(script("echo first; echo boom >&2; exit 3"));
  ASSERT_EQ(end.state, JobState::failed);
  EXPECT_EQ(end.failure->klass, FailureClass::command);
  EXPECT_EQ(end.failure->reason, "exit_status");
  EXPECT_EQ(end.failure->message, "'sh' exited with status 3");
  EXPECT_EQ(end.failure->last_lines.back(), "stderr | boom");
  EXPECT_EQ(Json::parse(end.result)["exit_code"], 3);
  EXPECT_NE(text_of(end, "attempt-1.log").find("boom"), std::string::npos);
}

TEST_F(AttemptsTest, ASignalIsNamed) {
  const auto end = run(script("kill -SEGV $$"));
  EXPECT_EQ(end.failure->reason, "signal");
  EXPECT_NE(end.failure->message.find("SIGSEGV"), std::string::npos);
  EXPECT_EQ(Json::parse(end.result)["signal"], "SIGSEGV");
}

TEST_F(AttemptsTest, AMissingCommandAndAFileThatIsNoneAreToldApart) {
  const auto missing = run(Json{{"argv", {"no-such-command"}}});
  EXPECT_EQ(missing.failure->klass, FailureClass::invalid);
  EXPECT_EQ(missing.failure->reason, "command_not_found");
  auto one = assignment({{"argv", {"./tool"}}});
  one.token.attempt = 2;
  one.inputs = {{.name = "tool", .sha256 = artifacts->put("#!/bin/sh\n")}};
  const auto not_executable = run(one);
  EXPECT_EQ(not_executable.failure->reason, "not_executable");
}

TEST_F(AttemptsTest, ATimeoutIsAClassOfItsOwn) {
  auto one = assignment(script("echo working; exec sleep 600"));
  one.spec.timeout_ms = 100;
  const auto end = run(one);
  ASSERT_EQ(end.state, JobState::failed);
  EXPECT_EQ(end.failure->klass, FailureClass::timeout);
  EXPECT_EQ(end.failure->message, "'sh' was stopped by its timeout of 100 ms");
  EXPECT_EQ(end.failure->last_lines,
            std::vector<std::string>{"stdout | working"});
}

TEST_F(AttemptsTest, EachOrderToStopEndsTheJobInItsOwnWay) {
  const std::pair<StopReason, JobState> ways[] = {
      {StopReason::cancelled, JobState::cancelled},
      {StopReason::expired, JobState::expired},
      {StopReason::timeout, JobState::failed},
      {StopReason::shutdown, JobState::failed}};
  for (const auto& [reason, state] : ways) {
    ++token.attempt;
    const auto up = "up " + std::to_string(token.attempt);
    attempts->assign(assignment(script("echo " + up + "; exec sleep 600")));
    ASSERT_TRUE(sink.wait_for_line(up));
    attempts->stop({token, reason});
    auto end = sink.wait_for_end(token);
    ASSERT_TRUE(end);
    EXPECT_EQ(end->end.state, state) << to_string(reason);
  }
}

TEST_F(AttemptsTest, AFencedAttemptEndsAndSaysNothing) {
  attempts->assign(assignment(script("trap '' TERM; echo up; sleep 600")));
  ASSERT_TRUE(sink.wait_for_line("up"));
  attempts->stop({token, StopReason::fenced});
  EXPECT_TRUE(platform::eventually([&] { return attempts->tokens().empty(); }));
  EXPECT_EQ(sink.end_count(), 0u);
}

TEST_F(AttemptsTest, ACancelBeforeTheCommandRunsKeepsItFromRunning) {
  attempts->assign(assignment(script("touch " + (dir / "ran").string())));
  attempts->stop({token, StopReason::cancelled});
  auto end = sink.wait_for_end(token);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->end.state, JobState::cancelled);
}

TEST_F(AttemptsTest, StoppingTwiceOrWhatNobodyKnowsIsHarmless) {
  attempts->stop({token, StopReason::cancelled});
  attempts->assign(assignment(script("echo up; exec sleep 600")));
  ASSERT_TRUE(sink.wait_for_line("up"));
  attempts->stop({token, StopReason::cancelled});
  attempts->stop({token, StopReason::shutdown});
  auto end = sink.wait_for_end(token);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->end.state, JobState::cancelled);
  EXPECT_EQ(sink.end_count(), 1u);
}

TEST_F(AttemptsTest, AnAssignmentToldTwiceRunsOnce) {
  const auto file = (dir / "runs").string();
  attempts->assign(assignment(script("echo x >> " + file)));
  attempts->assign(assignment(script("echo x >> " + file)));
  ASSERT_TRUE(sink.wait_for_end(token));
  attempts.reset();
  EXPECT_EQ(*platform::read_file(file), "x\n");
  EXPECT_EQ(sink.end_count(), 1u);
}

TEST_F(AttemptsTest, AMissingOutputFailsTheJob) {
  auto params = script("exit 0");
  params["outputs"] = {"film.mp4"};
  const auto end = run(params);
  ASSERT_EQ(end.state, JobState::failed);
  EXPECT_EQ(end.failure->reason, "output_missing");
  EXPECT_NE(end.failure->message.find("film.mp4"), std::string::npos);
}

TEST_F(AttemptsTest, OutputsOfAFailedCommandAreNotKept) {
  auto params = script("echo half > film.mp4; exit 1");
  params["outputs"] = {"film.mp4"};
  const auto end = run(params);
  ASSERT_EQ(end.artifacts.size(), 1u);
  EXPECT_EQ(end.artifacts[0].name, "attempt-1.log");
}

TEST_F(AttemptsTest, AFullDiskWhileSavingIsTransient) {
  artifacts->full = true;
  auto params = script("echo film > film.mp4");
  params["outputs"] = {"film.mp4"};
  const auto end = run(params);
  ASSERT_EQ(end.state, JobState::failed);
  EXPECT_EQ(end.failure->klass, FailureClass::transient);
  EXPECT_EQ(end.failure->reason, "output_not_saved");
}

TEST_F(AttemptsTest, AMissingInputFailsBeforeTheCommandRuns) {
  auto one = assignment(script("echo ran"));
  one.inputs = {{.name = "in", .sha256 = std::string(64, 'a')}};
  const auto end = run(one);
  EXPECT_EQ(end.failure->reason, "input_missing");
  EXPECT_TRUE(end.artifacts.empty());
}

TEST_F(AttemptsTest, AnInputNameThatLeadsOutIsRefused) {
  auto one = assignment(script("exit 0"));
  one.inputs = {{.name = "../../x", .sha256 = artifacts->put("x")}};
  const auto end = run(one);
  EXPECT_EQ(end.failure->klass, FailureClass::invalid);
  EXPECT_FALSE(std::filesystem::exists(dir / "process/x"));
}

TEST_F(AttemptsTest, ParametersThatABindingSpoiledAreRefused) {
  const auto end = run(Json{{"argv", {"a", 5}}});
  EXPECT_EQ(end.failure->klass, FailureClass::invalid);
  EXPECT_EQ(end.failure->reason, "invalid_parameters");
  EXPECT_NE(end.failure->message.find("params.argv[1]"), std::string::npos);
}

TEST_F(AttemptsTest, ALaterAttemptBringsTheLogsOfEarlierOnes) {
  run(script("echo first; exit 1"));
  token.attempt = 2;
  const auto end = run(script("echo second"));
  EXPECT_EQ(text_of(end, "attempt-1.log"), "stdout | first\n");
  EXPECT_EQ(text_of(end, "attempt-2.log"), "stdout | second\n");
}

TEST_F(AttemptsTest, TheLogOfAnAttemptLostWithItsNodeIsKeptToo) {
  attempts->assign(assignment(script("echo precious; exec sleep 600")));
  ASSERT_TRUE(sink.wait_for_line("precious"));
  reopen();  // As after a crash: nothing was told, nothing was saved.
  EXPECT_EQ(sink.end_count(), 0u);
  token = {.epoch = 2, .job = token.job, .attempt = 2};
  const auto end = run(script("echo again"));
  EXPECT_EQ(text_of(end, "attempt-1.log"), "stdout | precious\n");
}

TEST_F(AttemptsTest, TheLogOfAJobThatEndsWithItsNodeCanStillBeKept) {
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

TEST_F(AttemptsTest, TheLogOfAnAttemptWhoseEndWasLostWithItsNodeIsKeptToo) {
  run(script("echo precious"));
  reopen();  // The end was told and never reached the disk.
  token = {.epoch = 2, .job = token.job, .attempt = 2};
  const auto end = run(script("echo again"));
  EXPECT_EQ(text_of(end, "attempt-1.log"), "stdout | precious\n");
}

TEST_F(AttemptsTest, AStartRemovesTheLogsOfJobsThatAreOver) {
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

TEST_F(AttemptsTest, ACommandHasTheUmaskOfItsUserNotTheNodes) {
  const auto before = ::umask(0077);
  const auto end = run(script("umask"));
  ::umask(before);
  EXPECT_EQ(text_of(end, "attempt-1.log"), "stdout | 0027\n");
}

TEST_F(AttemptsTest, EncodesWithFfmpegAndFollowsItsProgress) {
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

TEST_F(AttemptsTest, ShowsProgressAndPhases) {
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

TEST_F(AttemptsTest, AFloodOfLinesBecomesAFewBatches) {
  const auto end = run(
      script("i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done"));
  const auto wall_ms = Json::parse(end.result)["wall_ms"].get<int>();
  EXPECT_LE(sink.batches(), wall_ms / 100 + 6);
  EXPECT_EQ(
      sink.live().back().log ? sink.live().back().log->text : "line 19999",
      "line 19999");
}

TEST_F(AttemptsTest, SilenceIsALiveLineOfTheNode) {
  auto params = script("sleep 0.3");
  params["quiet_ms"] = 50;
  run(params);
  bool told = false;
  for (const auto& event : sink.live())
    told = told || (event.log && event.log->stream == "node");
  EXPECT_TRUE(told);
}

TEST_F(AttemptsTest, EachSilenceIsOneNote) {
  auto params = script("sleep 0.4; echo awake; sleep 0.4");
  params["quiet_ms"] = 100;
  run(params);
  const auto notes = sink.notes();
  ASSERT_EQ(notes.size(), 2u);
  EXPECT_EQ(notes[0].token, token);
  EXPECT_EQ(notes[0].note.name, "quiet");
  EXPECT_GE(Json::parse(notes[0].note.data)["silent_ms"].get<int>(), 100);
}

TEST_F(AttemptsTest, NoMoreSilencesThanTheLimitAreNoted) {
  auto params = script("for i in 1 2 3 4 5; do echo $i; sleep 0.2; done");
  params["quiet_ms"] = 50;
  reopen(2);
  run(params);
  EXPECT_EQ(sink.notes().size(), 2u);
}

TEST_F(AttemptsTest, TokensNameWhatRuns) {
  EXPECT_TRUE(attempts->tokens().empty());
  attempts->assign(assignment(script("echo up; exec sleep 600")));
  EXPECT_EQ(attempts->tokens(), std::vector<Token>{token});
  ASSERT_TRUE(sink.wait_for_line("up"));
  attempts->stop_all(StopReason::shutdown);
  ASSERT_TRUE(sink.wait_for_end(token));
  EXPECT_TRUE(attempts->tokens().empty());
}

}  // namespace
}  // namespace troupe
