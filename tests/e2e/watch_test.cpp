// Commands that watch: events, logs, waiting, and Ctrl-C into them.
#include "tests/e2e/cli_fixture.hpp"
#include "tests/platform/eventually.hpp"

namespace troupe::test {
namespace {

using testing::HasSubstr;

class WatchTest : public CliTest {};

TEST_F(WatchTest, EventsAreNumberedFromOneWithoutGaps) {
  const auto id = place_->submit({"echo", "-p", "text=a"});
  ASSERT_TRUE(place_->reaches(id, "succeeded"));
  const auto events = troupe({"jobs", "events", id, "--json"}).lines();
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0]["type"], "submitted");
  EXPECT_EQ(events[1]["type"], "started");
  EXPECT_EQ(events[2]["type"], "ended");
  for (std::size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(events[i]["seq"], i + 1);
    EXPECT_TRUE(events[i]["time"].is_string());
  }
  const auto later =
      troupe({"jobs", "events", id, "--json", "--from", "3"}).lines();
  ASSERT_EQ(later.size(), 1u);
  EXPECT_EQ(later[0]["seq"], 3);
}

TEST_F(WatchTest, ASilentCommandLeavesOneEvent) {
  const auto id = place_->submit(
      {"process.run", "-p", "quiet_ms=200", "--", "sleep", "0.7"});
  ASSERT_TRUE(place_->reaches(id, "succeeded"));
  const auto events = troupe({"jobs", "events", id, "--json"}).lines();
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(events[2]["type"], "noted");
  EXPECT_EQ(events[2]["seq"], 3);
  EXPECT_EQ(events[2]["name"], "quiet");
  EXPECT_GE(events[2]["data"]["silent_ms"], 200);
}

TEST_F(WatchTest, FollowedEventsEndWithTheJob) {
  const auto id = place_->submit(
      {"echo", "-p", "text=a", "-p", "steps=10", "-p", "step_ms=50"});
  const auto events =
      troupe({"jobs", "events", id, "--json", "--follow"}).lines();
  ASSERT_GE(events.size(), 3u);
  EXPECT_EQ(events.back()["type"], "ended");
}

TEST_F(WatchTest, WhoFollowsFromBehindTheEndIsDone) {
  const auto id = place_->submit({"echo", "-p", "text=a"});
  ASSERT_EQ(troupe({"jobs", "wait", id}).code, 0);
  const auto later =
      place_->start({"jobs", "events", id, "--follow", "--from", "9"})
          ->finish(10'000);
  EXPECT_EQ(later.code, 0) << later.err;
  EXPECT_EQ(later.out, "");
  const auto slow = place_->submit({"process.run", "--", "sleep", "60"});
  auto early = place_->start({"jobs", "events", slow, "--follow", "--from=9"});
  EXPECT_EQ(troupe({"jobs", "cancel", slow}).code, 0);
  const auto output = early->finish(20'000);
  EXPECT_EQ(output.code, 0) << output.err;
  EXPECT_EQ(output.out, "") << "its end is before that";
}

TEST_F(WatchTest, WaitTellsHowTheJobsEnded) {
  const auto good = place_->submit({"echo", "-p", "text=a"});
  const auto bad = place_->submit({"process.run", "--", "false"});
  const auto slow = place_->submit({"process.run", "--", "sleep", "60"});
  EXPECT_EQ(troupe({"jobs", "wait", good}).code, 0);
  EXPECT_EQ(troupe({"jobs", "wait", good, bad}).code, 1);
  EXPECT_EQ(troupe({"jobs", "wait", slow, "--timeout", "200ms"}).code, 7);
  EXPECT_EQ(troupe({"jobs", "cancel", slow}).code, 0);
  EXPECT_TRUE(place_->reaches(slow, "cancelled"));
  EXPECT_EQ(troupe({"jobs", "cancel", slow}).code, 0) << "not idempotent";
}

TEST_F(WatchTest, LogsAreThoseOfTheProgram) {
  const auto id = place_->submit(
      {"process.run", "--", "sh", "-c", "echo one; echo two >&2"});
  ASSERT_TRUE(place_->reaches(id, "succeeded"));
  const auto output = troupe({"jobs", "logs", id});
  EXPECT_EQ(output.code, 0) << output.err;
  EXPECT_THAT(output.out, HasSubstr("one"));
  EXPECT_THAT(output.out, HasSubstr("two"));
}

TEST_F(WatchTest, LogsLookTheSameLiveAndStored) {
  const auto id = place_->submit(
      {"process.run", "--", "sh", "-c", "echo one; echo two >&2; sleep 1"});
  const auto live = troupe({"jobs", "logs", id, "--follow"});
  ASSERT_TRUE(place_->reaches(id, "succeeded"));
  const auto stored = troupe({"jobs", "logs", id});
  EXPECT_EQ(stored.out, "stdout | one\nstderr | two\n");
  EXPECT_EQ(live.out, stored.out);
  const auto lines = troupe({"jobs", "logs", id, "--json"}).lines();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[1]["stream"], "stderr");
  EXPECT_EQ(lines[1]["text"], "two");
  EXPECT_EQ(lines[1]["attempt"], 1);
}

TEST_F(WatchTest, LogsOfAJobThatHasNotBegunSaySo) {
  const auto id =
      place_->submit({"echo", "-p", "text=a", "--not-before", "+1h"});
  const auto now = troupe({"jobs", "logs", id});
  EXPECT_EQ(now.code, 0);
  EXPECT_EQ(now.out, "");
  EXPECT_THAT(now.err, HasSubstr("has not begun; -f waits for it\n"));
  const auto second = troupe({"jobs", "logs", id, "--attempt", "2"});
  EXPECT_EQ(second.code, 4);
  EXPECT_THAT(second.err, HasSubstr("has not begun attempt 2; -f waits"));
  EXPECT_EQ(troupe({"jobs", "cancel", id}).code, 0);
}

TEST_F(WatchTest, LogsOfAJobThatNeverRanSayHowItEnded) {
  const auto id =
      place_->submit({"echo", "-p", "text=a", "--not-before", "+1h"});
  auto all = place_->start({"jobs", "logs", id, "--follow"});
  auto second =
      place_->start({"jobs", "logs", id, "--follow", "--attempt", "2"});
  for (auto* logs : {all.get(), second.get()})
    ASSERT_TRUE(platform::eventually([&] { return !logs->said().empty(); }));
  EXPECT_EQ(troupe({"jobs", "cancel", id}).code, 0);
  const auto ended = "(echo, cancelled) never ran and printed nothing";
  const auto followed = all->finish();
  EXPECT_EQ(followed.code, 0);
  EXPECT_THAT(followed.err, HasSubstr(ended));
  const auto missed = second->finish();
  EXPECT_EQ(missed.code, 4);
  EXPECT_THAT(missed.err, HasSubstr(ended));
  for (const Words& more : {Words{}, Words{"-f"}, Words{"--json"}}) {
    Words args{"jobs", "logs", id};
    args.insert(args.end(), more.begin(), more.end());
    const auto output = troupe(args);
    EXPECT_EQ(output.code, 0);
    EXPECT_EQ(output.out, "");
    EXPECT_THAT(output.err, HasSubstr(ended));
  }
  EXPECT_EQ(troupe({"jobs", "logs", id, "--attempt", "1"}).code, 4);
}

TEST_F(WatchTest, LogsOfALaterAttemptWaitUntilItBegins) {
  const auto flag = place_->path("tried").string();
  const auto id = place_->submit(
      {"process.run", "--not-before", "+1s", "--retries", "1", "--", "sh", "-c",
       "[ -e '" + flag + "' ] && echo second && exit; echo first; touch '" +
           flag + "'; exit 1"});
  const auto logs =
      troupe({"jobs", "logs", id, "--follow", "--attempt", "2", "--json"});
  EXPECT_EQ(logs.code, 0) << logs.err;
  const auto lines = logs.lines();
  ASSERT_EQ(lines.size(), 1u) << logs.out;
  EXPECT_EQ(lines[0]["text"], "second");
  EXPECT_EQ(lines[0]["attempt"], 2);
  EXPECT_THAT(logs.err,
              HasSubstr("attempt 1 is to be repeated as attempt 2: "));
  EXPECT_THAT(logs.err, HasSubstr("attempt 2 begins\n"));
  ASSERT_TRUE(place_->reaches(id, "succeeded"));
  const auto third = troupe({"jobs", "logs", id, "--attempt", "3"});
  EXPECT_EQ(third.code, 4);
  EXPECT_THAT(third.err, HasSubstr("had no attempt 3: its last was attempt 2"));
}

TEST_F(WatchTest, CtrlCLeavesWhatOnlyWatches) {
  const auto id =
      place_->submit({"process.run", "--", "sh", "-c", "echo here; sleep 60"});
  ASSERT_TRUE(place_->reaches(id, "running"));
  auto events = place_->start({"jobs", "events", id, "--follow", "--json"});
  ASSERT_TRUE(events->read_line());
  events->signal(SIGINT);
  EXPECT_EQ(events->finish().code, 130);
  auto logs = place_->start({"jobs", "logs", id, "--follow"});
  EXPECT_EQ(logs->read_line(), "stdout | here");
  logs->signal(SIGINT);
  EXPECT_EQ(logs->finish().code, 130);
  auto wait = place_->start({"jobs", "wait", id, "--json"});
  EXPECT_TRUE(wait->catches_interrupts());
  wait->signal(SIGINT);
  EXPECT_EQ(wait->finish().code, 130);
  EXPECT_EQ(place_->state(id), "running");
  EXPECT_EQ(troupe({"jobs", "cancel", id}).code, 0);
}

TEST_F(WatchTest, RunFollowsTheJobAndReturnsItsEnd) {
  const auto good =
      troupe({"run", "process.run", "--json", "--output", "x", "--save",
              place_->path("saved"), "--", "sh", "-c", "echo x > x"});
  EXPECT_EQ(good.code, 0) << good.err;
  EXPECT_EQ(good.json()["state"], "succeeded");
  EXPECT_EQ(place_->read("saved/x"), "x\n");
  EXPECT_EQ(troupe({"run", "process.run", "--", "false"}).code, 1);
}

TEST_F(WatchTest, CtrlCCancelsWhatRunFollows) {
  auto process = place_->start(
      {"run", "process.run", "--tag", "ctrlc", "--", "sleep", "60"});
  std::string id;
  while (id.empty()) {
    const auto jobs = troupe({"jobs", "list", "--json", "--tag", "ctrlc",
                              "--state", "running"})
                          .lines();
    if (!jobs.empty()) id = jobs[0]["id"];
    ASSERT_TRUE(process->is_running());
  }
  process->signal(SIGINT);
  const auto output = process->finish();
  EXPECT_EQ(output.code, 130) << output.err;
  EXPECT_EQ(place_->state(id), "cancelled");
}

}  // namespace
}  // namespace troupe::test
