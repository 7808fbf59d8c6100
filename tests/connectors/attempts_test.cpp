// How an attempt of process.run begins and ends.
#include "tests/connectors/attempts_fixture.hpp"

namespace troupe {
namespace {

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

TEST_F(AttemptsTest, ADamagedInputIsNotTriedAgain) {
  artifacts->damaged = true;
  auto one = assignment(script("echo ran"));
  one.inputs = {{.name = "in", .sha256 = artifacts->put("x")}};
  const auto end = run(one);
  EXPECT_EQ(end.failure->klass, FailureClass::invalid);
  EXPECT_EQ(end.failure->reason, "input_missing");
  EXPECT_NE(end.failure->message.find("is damaged"), std::string::npos);
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

TEST_F(AttemptsTest, ACommandHasTheUmaskOfItsUserNotTheNodes) {
  const auto before = ::umask(0077);
  const auto end = run(script("umask"));
  ::umask(before);
  EXPECT_EQ(text_of(end, "attempt-1.log"), "stdout | 0027\n");
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
