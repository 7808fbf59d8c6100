#include "connectors/process/runner.hpp"

#include <gtest/gtest.h>

#include <csignal>

#include "connectors/process/bounded_log.hpp"
#include "connectors/process/leftovers.hpp"
#include "platform/file.hpp"
#include "platform/spawn.hpp"
#include "tests/connectors/guard_path.hpp"
#include "tests/connectors/recorded_events.hpp"
#include "tests/platform/eventually.hpp"
#include "tests/platform/temp_dir.hpp"

namespace troupe {
namespace {

using Stage = guard::Stage;
using Line = RecordedEvents::Line;

class RunnerTest : public ::testing::Test {
 protected:
  platform::TempDir dir;
  RecordedEvents events;
  std::unique_ptr<ProcessRunner> runner =
      *ProcessRunner::create({.guard = guard_path()}, events);

  std::string key() const {
    return std::to_string(::getpid()) + "-" +
           ::testing::UnitTest::GetInstance()->current_test_info()->name();
  }
  ProcessSpec command(std::vector<std::string> argv) const {
    ProcessSpec spec;
    spec.key = key();
    spec.argv = std::move(argv);
    spec.env = {{"PATH", "/usr/bin:/bin"}};
    spec.cwd = dir.path();
    spec.log = dir / "log";
    spec.record = dir / "record";
    return spec;
  }
  ProcessSpec script(const std::string& text) const {
    return command({"sh", "-c", text});
  }
  ProcessEnd run(ProcessSpec spec) {
    const auto name = spec.key;
    runner->start(std::move(spec));
    auto end = events.wait_for_end(name);
    EXPECT_TRUE(end) << "the attempt never ended";
    return end.value_or(ProcessEnd{});
  }
  // All of the attempt, wherever it went and whatever it became.
  bool nobody_left() const {
    return platform::processes_with_environment(std::string{kAttemptVariable} +
                                                "=" + key())
        .empty();
  }
};

TEST_F(RunnerTest, TagsLinesByStreamAndReportsTheExitCode) {
  const auto end = run(script("echo one; sleep 0.05; echo two >&2; exit 3"));
  EXPECT_EQ(end.code, 3);
  EXPECT_FALSE(end.signal);
  EXPECT_FALSE(end.stopped);
  EXPECT_EQ(events.lines(),
            (std::vector<Line>{{Stream::out, "one"}, {Stream::err, "two"}}));
  EXPECT_EQ(*read_log(dir / "log"), "stdout | one\nstderr | two\n");
}

TEST_F(RunnerTest, TellsTheEndOnceAndForgetsTheRecord) {
  run(script("exit 0"));
  runner->stop(key());
  runner.reset();
  EXPECT_EQ(events.end_calls(), 1);
  EXPECT_FALSE(std::filesystem::exists(dir / "record"));
}

TEST_F(RunnerTest, GivesArgumentsAsTheyAreWithoutAShell) {
  run(command({"printf", "%s|", "a b", "$HOME", "*", "; echo x", ""}));
  EXPECT_EQ(events.lines(),
            (std::vector<Line>{{Stream::out, "a b|$HOME|*|; echo x||"}}));
}

TEST_F(RunnerTest, GivesNothingButTheNamedEnvironment) {
  ::setenv("TROUPE_TEST_SECRET", "1", 1);
  auto spec = command({"env"});
  spec.env["A"] = "b";
  run(spec);
  ::unsetenv("TROUPE_TEST_SECRET");
  EXPECT_EQ(events.lines(),
            (std::vector<Line>{{Stream::out, "A=b"},
                               {Stream::out, "PATH=/usr/bin:/bin"},
                               {Stream::out, "TROUPE_ATTEMPT=" + key()}}));
}

TEST_F(RunnerTest, RunsInTheGivenFolderWithTheGivenInput) {
  ASSERT_TRUE(platform::write_file_atomically(dir / "in", "from a file"));
  auto spec = script("cat; pwd -P");
  spec.stdin_file = dir / "in";
  run(spec);
  EXPECT_EQ(events.lines()[0].text,
            "from a file" + std::filesystem::canonical(dir.path()).string());
}

TEST_F(RunnerTest, WithoutInputTheCommandReadsNothing) {
  EXPECT_EQ(run(script("read x; echo \"$?:$x\"")).code, 0);
  EXPECT_EQ(events.lines()[0].text, "1:");
}

TEST_F(RunnerTest, NamesTheSignalThatEndedTheCommand) {
  const auto end = run(script("kill -SEGV $$"));
  EXPECT_EQ(end.signal, SIGSEGV);
  EXPECT_FALSE(end.code);
}

TEST_F(RunnerTest, ACommandThatDoesNotExistIsSearchedInVain) {
  const auto end = run(command({"no-such-command-anywhere"}));
  EXPECT_EQ(end.failed_stage, Stage::search);
  EXPECT_EQ(end.error_number, ENOENT);
  auto spec = command({"./missing"});
  spec.key += "-2";
  EXPECT_EQ(run(spec).failed_stage, Stage::search);
}

TEST_F(RunnerTest, AFileThatIsNoProgramCannotBeExecuted) {
  ASSERT_TRUE(platform::write_file_atomically(dir / "x", "#!/bin/sh\n", 0644));
  const auto end = run(command({"./x"}));
  EXPECT_EQ(end.failed_stage, Stage::execute);
  EXPECT_EQ(end.error_number, EACCES);
}

TEST_F(RunnerTest, AScriptWithoutAnInterpreterIsNotGivenToAShell) {
  ASSERT_TRUE(platform::write_file_atomically(dir / "x", "echo hi\n", 0755));
  const auto end = run(command({"./x"}));
  EXPECT_EQ(end.failed_stage, Stage::execute);
  EXPECT_EQ(end.error_number, ENOEXEC);
}

TEST_F(RunnerTest, AMissingFolderIsNamedAsSuch) {
  auto spec = script("exit 0");
  spec.cwd = dir / "none";
  const auto end = run(spec);
  EXPECT_EQ(end.failed_stage, Stage::folder);
  EXPECT_EQ(end.error_number, ENOENT);
}

TEST_F(RunnerTest, AMissingInputFileFailsBeforeAnythingRuns) {
  auto spec = script("echo ran");
  spec.stdin_file = dir / "none";
  const auto end = run(spec);
  ASSERT_TRUE(end.not_spawned);
  EXPECT_EQ(end.not_spawned->code, Errc::not_found);
  EXPECT_TRUE(events.lines().empty());
}

TEST_F(RunnerTest, AMissingGuardIsAClearError) {
  auto other = ProcessRunner::create({.guard = "/no/guard"}, events);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Errc::not_found);
}

TEST_F(RunnerTest, StopsGentlyWhereTheCommandListens) {
  runner->start(
      script("trap 'echo bye; exit 5' TERM; echo up; "
             "while :; do sleep 0.05; done"));
  ASSERT_TRUE(events.wait_for_line("up"));
  runner->stop(key());
  const auto end = events.wait_for_end(key());
  ASSERT_TRUE(end);
  EXPECT_EQ(end->stopped, StopCause::ordered);
  EXPECT_EQ(end->code, 5);
  EXPECT_EQ(events.lines().back().text, "bye");
}

TEST_F(RunnerTest, KillsAfterTheGraceTimeWhatDoesNotListen) {
  auto spec = script("trap '' TERM; echo up; while :; do sleep 1; done");
  spec.grace_ms = 50;
  runner->start(spec);
  ASSERT_TRUE(events.wait_for_line("up"));
  runner->stop(key());
  const auto end = events.wait_for_end(key());
  ASSERT_TRUE(end);
  EXPECT_EQ(end->signal, SIGKILL);
  EXPECT_TRUE(nobody_left());
}

TEST_F(RunnerTest, AStoppedProcessHearsTheTermination) {
  runner->start(script("echo up; kill -STOP $$; sleep 600"));
  ASSERT_TRUE(events.wait_for_line("up"));
  runner->stop(key());
  const auto end = events.wait_for_end(key());
  ASSERT_TRUE(end);
  EXPECT_EQ(end->signal, SIGTERM);
}

TEST_F(RunnerTest, ATimeoutIsToldApartFromAnOrder) {
  auto spec = script("echo before; exec sleep 600");
  spec.timeout_ms = 100;
  const auto end = run(spec);
  EXPECT_EQ(end.stopped, StopCause::timeout);
  EXPECT_EQ(end.signal, SIGTERM);
  EXPECT_GE(end.wall_ms, 100);
  EXPECT_EQ(last_log_lines(dir / "log", 5),
            std::vector<std::string>{"stdout | before"});
}

TEST_F(RunnerTest, EndsGrandchildrenInSessionsOfTheirOwn) {
  runner->start(
      script("setsid sh -c 'setsid sleep 600 & sleep 600' & "
             "(sleep 600 &) ; echo up; exec sleep 600"));
  ASSERT_TRUE(events.wait_for_line("up"));
  runner->stop(key());
  ASSERT_TRUE(events.wait_for_end(key()));
  EXPECT_TRUE(nobody_left());
}

TEST_F(RunnerTest, WhatTheCommandLeavesBehindEndsWithIt) {
  auto spec = script("(trap '' TERM; setsid sleep 600 &) ; echo done; exit 0");
  spec.grace_ms = 50;
  const auto end = run(spec);
  EXPECT_EQ(end.code, 0);
  EXPECT_FALSE(end.stopped);
  EXPECT_TRUE(nobody_left());
}

TEST_F(RunnerTest, AJobThatSignalsItsOwnGroupDoesNotReachTheGuard) {
  const auto end = run(script("trap '' INT; kill -INT 0; echo alive; exit 4"));
  EXPECT_EQ(end.code, 4);
  EXPECT_EQ(events.lines()[0].text, "alive");
}

TEST_F(RunnerTest, WhenTheGuardIsKilledTheTreeStillEnds) {
  auto spec = script("setsid sleep 600 & (setsid sleep 600 &) ; echo up; wait");
  runner->start(spec);
  ASSERT_TRUE(events.wait_for_line("up"));
  auto record = read_leftover_record(dir / "record");
  ASSERT_TRUE(record) << record.error().message;
  ASSERT_TRUE(platform::send_signal(record->guard, SIGKILL));
  const auto end = events.wait_for_end(key());
  ASSERT_TRUE(end);
  EXPECT_TRUE(end->guard_lost);
  EXPECT_TRUE(nobody_left());
}

TEST_F(RunnerTest, WhenTheGuardIsKilledWhoClearedTheEnvironmentEndsToo) {
  ASSERT_TRUE(platform::adopt_orphans());
  auto spec = script(
      "env -i PATH=$PATH setsid sh -c 'echo $$ >hidden; exec sleep 600' & "
      "while [ ! -s hidden ]; do sleep 0.01; done; echo up; wait");
  runner->start(spec);
  ASSERT_TRUE(events.wait_for_line("up"));
  auto text = platform::read_file(dir / "hidden");
  ASSERT_TRUE(text);
  auto hidden = platform::process_identity(std::stoi(*text));
  ASSERT_TRUE(hidden);
  ASSERT_TRUE(platform::is_running(*hidden));
  auto record = read_leftover_record(dir / "record");
  ASSERT_TRUE(record) << record.error().message;
  ASSERT_TRUE(platform::send_signal(record->guard, SIGKILL));
  const auto end = events.wait_for_end(key());
  ASSERT_TRUE(end);
  EXPECT_TRUE(end->guard_lost);
  EXPECT_FALSE(platform::is_running(*hidden));
  platform::send_signal(*hidden, SIGKILL);  // Where the test fails.
}

TEST_F(RunnerTest, DroppingTheRunnerEndsEverythingAtOnce) {
  auto spec = script("trap '' TERM; echo up; while :; do sleep 1; done");
  spec.grace_ms = 600'000;
  runner->start(spec);
  ASSERT_TRUE(events.wait_for_line("up"));
  runner.reset();
  EXPECT_EQ(events.end_calls(), 1);
  EXPECT_TRUE(nobody_left());
}

TEST_F(RunnerTest, RecordsWhoRunsBeforeTellingThatItRuns) {
  runner->start(script("echo up; exec sleep 600"));
  ASSERT_TRUE(events.wait_for_started());
  auto record = read_leftover_record(dir / "record");
  ASSERT_TRUE(record);
  EXPECT_EQ(record->key, key());
  ASSERT_TRUE(record->command);
  EXPECT_EQ(*record->command, events.started()[0]);
  EXPECT_TRUE(platform::is_running(*record->command));
  EXPECT_TRUE(platform::is_running(record->guard));
}

TEST_F(RunnerTest, ReadsProgressThatIsDrawnWithReturns) {
  auto spec = script("printf ' 10%%\\r 55%%\\r 40%%\\r\\n'");
  spec.progress = {{.type = ProgressRuleType::percent, .duration_s = {}}};
  run(spec);
  std::vector<double> percents;
  for (const auto& progress : events.progress())
    percents.push_back(progress.percent);
  EXPECT_EQ(percents, (std::vector<double>{10, 55, 55}));
}

TEST_F(RunnerTest, SilenceIsToldOncePerSilence) {
  auto spec = script("echo up; read x");
  spec.quiet_ms = 30;
  auto pipe = platform::make_pipe();
  ASSERT_TRUE(pipe);
  spec.stdin_file = "/proc/self/fd/" + std::to_string(pipe->read_end.get());
  runner->start(spec);
  ASSERT_TRUE(events.wait_for_quiet());
  EXPECT_GE(events.quiet()[0], 30);
  pipe->write_end.reset();
  ASSERT_TRUE(events.wait_for_end(key()));
  EXPECT_EQ(events.quiet().size(), 1u);
}

TEST_F(RunnerTest, MeasuresTheWholeTree) {
  const auto end = run(script(
      "sh -c 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done' & wait"));
  EXPECT_GT(end.usage.user_cpu_us, 20'000);
  EXPECT_GT(end.usage.peak_rss_bytes, 500'000);
}

TEST_F(RunnerTest, ALastLineWithoutItsEndIsNotLost) {
  run(command({"printf", "no newline"}));
  EXPECT_EQ(events.lines(), (std::vector<Line>{{Stream::out, "no newline"}}));
}

TEST_F(RunnerTest, MuchOutputAtTheVeryEndArrivesWhole) {
  run(
      script("i=0; while [ $i -lt 3000 ]; do echo 0123456789$i; "
             "i=$((i+1)); done"));
  const auto lines = events.lines();
  ASSERT_EQ(lines.size(), 3000u);
  EXPECT_EQ(lines.back().text, "01234567892999");
}

TEST_F(RunnerTest, ManyRunAtOnce) {
  for (int i = 0; i < 20; ++i) {
    auto spec = script("exit " + std::to_string(i));
    spec.key += "-" + std::to_string(i);
    spec.log = dir / ("log" + std::to_string(i));
    spec.record = dir / ("record" + std::to_string(i));
    runner->start(spec);
  }
  for (int i = 0; i < 20; ++i) {
    const auto end = events.wait_for_end(key() + "-" + std::to_string(i));
    ASSERT_TRUE(end);
    EXPECT_EQ(end->code, i);
  }
}

}  // namespace
}  // namespace troupe
