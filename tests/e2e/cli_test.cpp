// The command line as scripts see it: the real program against a real node.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "tests/e2e/program.hpp"
#include "tests/platform/eventually.hpp"

namespace troupe::test {
namespace {

using testing::HasSubstr;
using testing::Not;

/// Waits until the process handles SIGINT itself.
bool catches_interrupts(std::int32_t pid) {
  return platform::eventually([pid] {
    std::ifstream status{"/proc/" + std::to_string(pid) + "/status"};
    for (std::string line; std::getline(status, line);)
      if (line.starts_with("SigCgt:"))
        return (std::stoull(line.substr(7), nullptr, 16) >> (SIGINT - 1)) % 2 ==
               1;
    return false;
  });
}

class CliTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    place_ = new Workplace;
    node_ = place_->node().release();
  }
  static void TearDownTestSuite() {
    node_->signal(SIGTERM);
    EXPECT_EQ(node_->finish().code, 0);
    delete node_;
    delete place_;
  }

  static Output troupe(const Words& args, const std::string& input = "") {
    return place_->troupe(args, input);
  }
  static Json show(const std::string& id) {
    return troupe({"jobs", "show", id, "--json"}).json();
  }

  static Workplace* place_;
  static Process* node_;
};
Workplace* CliTest::place_ = nullptr;
Process* CliTest::node_ = nullptr;

TEST_F(CliTest, SubmitPrintsOneObjectWithIdAndState) {
  const auto output = troupe({"submit", "echo", "--json", "-p", "text=hello"});
  ASSERT_EQ(output.code, 0) << output.err;
  const auto json = output.json();
  EXPECT_EQ(json["id"].get<std::string>().size(), 26u);
  EXPECT_EQ(json["state"], "queued");
  EXPECT_TRUE(place_->reaches(json["id"], "succeeded"));
}

TEST_F(CliTest, ShowHasTheFieldsThatScriptsRead) {
  const auto id = place_->submit({"process.run", "--output", "out.txt", "--",
                                  "sh", "-c", "echo made > out.txt"});
  ASSERT_TRUE(place_->reaches(id, "succeeded"));
  const auto job = show(id);
  EXPECT_EQ(job["kind"], "process.run");
  EXPECT_EQ(job["attempt"], 1);
  EXPECT_EQ(job["progress"], 100.0);
  EXPECT_TRUE(job["failure"].is_null());
  EXPECT_EQ(job["result"]["exit_code"], 0);
  ASSERT_GE(job["artifacts"].size(), 1u);
  EXPECT_EQ(job["artifacts"][0]["name"], "out.txt");
  EXPECT_EQ(job["artifacts"][0]["bytes"], 5);
  EXPECT_EQ(job["artifacts"][0]["sha256"].get<std::string>().size(), 64u);
  EXPECT_LE(job["submitted_ms"], job["started_ms"]);
  EXPECT_LE(job["started_ms"], job["ended_ms"]);
}

TEST_F(CliTest, AFailureHasClassAndMessageAndLastLines) {
  const auto id =
      place_->submit({"process.run", "--", "sh", "-c", "echo oh no; exit 3"});
  ASSERT_TRUE(place_->reaches(id, "failed"));
  const auto failure = show(id)["failure"];
  EXPECT_EQ(failure["class"], "command");
  EXPECT_THAT(failure["message"], HasSubstr("3"));
  EXPECT_THAT(dump_json(failure["last_lines"]), HasSubstr("oh no"));
}

TEST_F(CliTest, EventsAreNumberedFromOneWithoutGaps) {
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

TEST_F(CliTest, ASilentCommandLeavesOneEvent) {
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

TEST_F(CliTest, FollowedEventsEndWithTheJob) {
  const auto id = place_->submit(
      {"echo", "-p", "text=a", "-p", "steps=10", "-p", "step_ms=50"});
  const auto events =
      troupe({"jobs", "events", id, "--json", "--follow"}).lines();
  ASSERT_GE(events.size(), 3u);
  EXPECT_EQ(events.back()["type"], "ended");
}

TEST_F(CliTest, ListIsAJobALineNewestFirst) {
  const auto first = place_->submit({"echo", "-p", "text=a", "--tag", "pair"});
  const auto second = place_->submit({"echo", "-p", "text=a", "--tag", "pair"});
  const auto jobs = troupe({"jobs", "list", "--json", "--tag", "pair"}).lines();
  ASSERT_EQ(jobs.size(), 2u);
  EXPECT_EQ(jobs[0]["id"], second);
  EXPECT_EQ(jobs[1]["id"], first);
}

TEST_F(CliTest, ListGoesOnBeyondOnePageWhateverItsJobsWeigh) {
  const std::string text(3'000, 'x');  // 50 such jobs overfill a frame.
  std::string lines;
  for (int i = 0; i < 500; ++i)
    lines += R"({"kind":"echo","params":{"text":")" + text +
             "\"},\"tags\":[\"many\"]}\n";
  ASSERT_EQ(troupe({"submit", "--json", "-"}, lines).lines().size(), 500u);
  auto list = [&](Words args) {
    for (const char* word : {"many", "--tag", "list", "jobs"})
      args.insert(args.begin(), word);
    return troupe(args);
  };
  EXPECT_EQ(list({"--json"}).lines().size(), 50u);
  EXPECT_EQ(list({"--json", "--limit", "240"}).lines().size(), 240u);
  std::set<std::string> ids;
  for (const auto& job : list({"--json", "--all"}).lines()) {
    ids.insert(job["id"].get<std::string>());
    EXPECT_EQ(job["params"]["text"], text);
  }
  EXPECT_EQ(ids.size(), 500u);
  const auto table = list({"--limit", "500"});
  EXPECT_EQ(table.code, 0) << table.err;
  EXPECT_EQ(std::ranges::count(table.out, '\n'), 501) << "one of them a head";
}

TEST_F(CliTest, LinesAreAnsweredOneByOneInOrder) {
  auto process = place_->start({"submit", "--json", "-"});
  process->write("{\"kind\":\"noop\"}\n");
  auto first = process->read_line();
  ASSERT_TRUE(first) << "no answer before the next line";
  EXPECT_EQ(parse_json(*first)->value("state", ""), "queued");
  process->write("{\"kind\":\"nope\"}\n\n{\"kind\":\"noop\"}\nno json\n");
  process->close_input();
  const auto output = process->finish();
  const auto rest = output.lines();
  ASSERT_EQ(rest.size(), 3u) << output.out;
  EXPECT_EQ(rest[0]["error"]["code"], "invalid_argument");
  EXPECT_EQ(rest[0]["line"], 2);
  EXPECT_TRUE(rest[1].contains("id"));
  EXPECT_EQ(rest[2]["line"], 5);
  EXPECT_EQ(output.code, 5);
}

TEST_F(CliTest, TheSameIdIsTheSameJobAndOtherContentAnError) {
  const std::string id = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
  const Words first{"submit", "echo", "--json", "--id", id, "-p", "text=a"};
  ASSERT_EQ(troupe(first).code, 0);
  const auto again = troupe(first);
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(again.json()["existed"], true);
  const auto other =
      troupe({"submit", "echo", "--json", "--id", id, "-p", "text=b"});
  EXPECT_EQ(other.code, 5);
  EXPECT_EQ(other.json()["error"]["code"], "already_exists");
}

TEST_F(CliTest, AllFaultsOfAJobComeInOneAnswer) {
  const auto output = troupe({"submit", "--json", "echo", "-p", "steps=0", "-p",
                              "stpes=3", "--tag", ""});
  EXPECT_EQ(output.code, 2);
  const auto error = output.json()["error"];
  EXPECT_EQ(error["code"], "invalid_argument");
  EXPECT_EQ(error["faults"].size(), 4u) << dump_json(error);
  EXPECT_THAT(output.err, HasSubstr("did you mean 'steps'"));
}

TEST_F(CliTest, AllFaultsOfALineComeInOneAnswer) {
  const auto output =
      troupe({"submit", "--json", "-"},
             R"({"kind":"echo","priority":"hihg","timeout_ms":"x","params":{}})"
             "\n");
  EXPECT_EQ(output.code, 2);
  const auto error = output.json()["error"];
  EXPECT_EQ(error["faults"].size(), 3u) << dump_json(error);
  EXPECT_THAT(dump_json(error), HasSubstr("did you mean 'high'"));
}

TEST_F(CliTest, ABoundValueOfTheWrongSortSaysWhatWasWanted) {
  const auto first = place_->submit({"process.run", "--", "true"});
  const auto second =
      place_->submit({"echo", "--from", "text=" + first + ":/exit_code"});
  ASSERT_TRUE(place_->reaches(second, "failed"));
  const auto job = show(second);
  EXPECT_EQ(job["failure"]["class"], "invalid");
  EXPECT_THAT(job["failure"]["message"],
              HasSubstr("params.text must be a string, but /exit_code in the "
                        "result of job " +
                        first + " is an integer (0)"));
  EXPECT_EQ(job["bindings"][0]["job"], first);
  EXPECT_THAT(troupe({"jobs", "show", second}).out,
              HasSubstr("text from /exit_code in the result of job " + first));
}

TEST_F(CliTest, AChainTakesFilesAndTextFromEarlierJobs) {
  const auto film =
      place_->submit({"process.run", "--output", "a.txt", "--", "sh", "-c",
                      "sleep 0.5; echo film > a.txt"});
  const auto text = place_->submit({"echo", "-p", "text=hello"});
  const auto last =
      place_->submit({"process.run", "--input", "b.txt=" + film + ":a.txt",
                      "--from", "stdin=" + text + ":/text", "--output", "c.txt",
                      "--", "sh", "-c", "cat b.txt - > c.txt"});
  ASSERT_TRUE(place_->reaches(last, "succeeded")) << dump_json(show(last));
  const auto got = troupe({"artifacts", "get", last, "c.txt", "-o", "-"});
  EXPECT_EQ(got.out, "film\nhello");
}

TEST_F(CliTest, TheFailureOfAJobReachesItsDependents) {
  const auto first = place_->submit({"process.run", "--", "false"});
  const auto second =
      place_->submit({"echo", "-p", "text=a", "--after", first});
  ASSERT_TRUE(place_->reaches(second, "failed"));
  EXPECT_EQ(show(second)["failure"]["class"], "dependency");
}

TEST_F(CliTest, WaitTellsHowTheJobsEnded) {
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

TEST_F(CliTest, RetryRunsTheSameWorkUnderANewId) {
  const auto id = place_->submit({"process.run", "--", "false"});
  ASSERT_TRUE(place_->reaches(id, "failed"));
  const auto json = troupe({"jobs", "retry", id, "--json"}).json();
  EXPECT_EQ(json["retry_of"], id);
  EXPECT_NE(json["id"], id);
  EXPECT_TRUE(place_->reaches(json["id"], "failed"));
}

TEST_F(CliTest, LogsAreThoseOfTheProgram) {
  const auto id = place_->submit(
      {"process.run", "--", "sh", "-c", "echo one; echo two >&2"});
  ASSERT_TRUE(place_->reaches(id, "succeeded"));
  const auto output = troupe({"jobs", "logs", id});
  EXPECT_EQ(output.code, 0) << output.err;
  EXPECT_THAT(output.out, HasSubstr("one"));
  EXPECT_THAT(output.out, HasSubstr("two"));
}

TEST_F(CliTest, LogsLookTheSameLiveAndStored) {
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

TEST_F(CliTest, CtrlCLeavesWhatOnlyWatches) {
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
  EXPECT_TRUE(catches_interrupts(wait->pid()));
  wait->signal(SIGINT);
  EXPECT_EQ(wait->finish().code, 130);
  EXPECT_EQ(place_->state(id), "running");
  EXPECT_EQ(troupe({"jobs", "cancel", id}).code, 0);
}

TEST_F(CliTest, APausedQueueExplainsWhyAJobWaits) {
  ASSERT_EQ(troupe({"queue", "pause"}).code, 0);
  const auto id = place_->submit({"echo", "-p", "text=a"});
  const auto explained = troupe({"jobs", "explain", id, "--json"}).json();
  EXPECT_EQ(explained["state"], "queued");
  EXPECT_THAT(dump_json(explained["sentences"]), HasSubstr("paused"));
  EXPECT_EQ(troupe({"queue", "resume", "--json"}).json()["paused"], false);
  EXPECT_TRUE(place_->reaches(id, "succeeded"));
}

TEST_F(CliTest, ADrainingQueueCanBeSeenUntilItResumes) {
  ASSERT_EQ(troupe({"queue", "drain"}).code, 0);
  const auto json = troupe({"queue", "show", "--json"}).json();
  const auto text = troupe({"queue", "show"}).out;
  const auto refused = troupe({"submit", "echo", "-p", "text=a"});
  ASSERT_EQ(troupe({"queue", "resume"}).code, 0);
  EXPECT_EQ(json["queue"]["draining"], true);
  EXPECT_THAT(json["accepting"], HasSubstr("draining"));
  EXPECT_THAT(text, HasSubstr("draining; "));
  EXPECT_EQ(refused.code, 6);
  EXPECT_EQ(troupe({"queue", "drain", "--kind", "noop", "--json"})
                .json()["draining_kinds"],
            Json::array({"noop"}));
  EXPECT_EQ(troupe({"queue", "resume", "--kind", "noop", "--json"})
                .json()["accepting"],
            "yes");
}

TEST_F(CliTest, ADeviceThatDoesNotExistIsAnsweredWithTheNearest) {
  for (const Words& args :
       {Words{"submit", "echo", "-p", "text=a", "--device", "cqu"},
        Words{"queue", "pause", "--device", "cqu"}}) {
    const auto output = troupe(args);
    EXPECT_EQ(output.code, 5) << output.err;
    EXPECT_THAT(output.err,
                HasSubstr("device 'cqu' is unknown; did you mean 'cpu'?"));
  }
}

TEST_F(CliTest, MemoryThatNoDeviceHasIsNamedInUnitsOfPeople) {
  const auto output =
      troupe({"submit", "echo", "-p", "text=a", "--memory", "900T"});
  EXPECT_EQ(output.code, 5);
  EXPECT_THAT(output.err, HasSubstr("memory_bytes is 900 TiB; the largest "
                                    "device for it, cpu, lends "));
}

TEST_F(CliTest, AFileGoesInAndOut) {
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += std::to_string(i) + "\n";
  place_->write("in.txt", text);
  const auto put =
      troupe({"artifacts", "put", "--json", place_->path("in.txt")}).json();
  EXPECT_EQ(put["bytes"], text.size());
  const auto got = troupe(
      {"artifacts", "get", put["sha256"], "-o", place_->path("out.txt")});
  EXPECT_EQ(got.code, 0) << got.err;
  EXPECT_TRUE(place_->read("out.txt") == text);
}

TEST_F(CliTest, AFileThatTheNodeDoesNotHaveIsRefusedAtOnce) {
  const std::string hash(64, 'a');
  const auto output = troupe({"submit", "--json", "process.run", "-i",
                              "x=sha256:" + hash, "--", "cat", "x"});
  EXPECT_EQ(output.code, 5) << output.out;
  EXPECT_EQ(output.json()["error"]["faults"][0]["path"], "inputs[0].sha256");
  EXPECT_THAT(output.err, HasSubstr("troupe artifacts put"));
}

TEST_F(CliTest, ALocalFileTravelsWithItsJob) {
  place_->write("words.txt", "from here\n");
  const auto id = place_->submit({"process.run", "--input",
                                  "w=" + place_->path("words.txt").string(),
                                  "--output", "copy", "--", "cp", "w", "copy"});
  ASSERT_TRUE(place_->reaches(id, "succeeded"));
  EXPECT_EQ(troupe({"artifacts", "get", id, "copy", "-o", "-"}).out,
            "from here\n");
}

TEST_F(CliTest, RunFollowsTheJobAndReturnsItsEnd) {
  const auto good =
      troupe({"run", "process.run", "--json", "--output", "x", "--save",
              place_->path("saved"), "--", "sh", "-c", "echo x > x"});
  EXPECT_EQ(good.code, 0) << good.err;
  EXPECT_EQ(good.json()["state"], "succeeded");
  EXPECT_EQ(place_->read("saved/x"), "x\n");
  EXPECT_EQ(troupe({"run", "process.run", "--", "false"}).code, 1);
}

TEST_F(CliTest, CtrlCCancelsWhatRunFollows) {
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

TEST_F(CliTest, WhatNobodyKnowsIsNotFound) {
  const std::string id = "01ARZ3NDEKTSV4RRFFQ69G5FZZ";
  for (const Words& args :
       {Words{"jobs", "show", id}, Words{"jobs", "events", id},
        Words{"jobs", "logs", id}, Words{"jobs", "explain", id},
        Words{"artifacts", "get", id},
        Words{"artifacts", "get", std::string(64, '0'), "-o", "-"}}) {
    const auto output = troupe(args);
    EXPECT_EQ(output.code, 4) << args[0] << " " << args[1] << output.err;
    EXPECT_FALSE(output.err.empty());
  }
}

TEST_F(CliTest, ASecondNodeOnTheFolderIsRefused) {
  const auto second = troupe({"node"});
  EXPECT_EQ(second.code, 9) << second.err;
  EXPECT_THAT(second.err,
              HasSubstr("in use by process " + std::to_string(node_->pid())));
}

TEST_F(CliTest, TheConsoleTakesTheSameCommands) {
  const auto output = troupe({"console"},
                             "# a remark\n"
                             "submit echo -p 'text=a b' --json\n"
                             "jobs sohw\n"
                             "queue show\nexit\nconfig path\n");
  EXPECT_THAT(output.out, HasSubstr("\"state\":\"queued\""));
  EXPECT_THAT(output.out, HasSubstr("accepting: yes"));
  EXPECT_THAT(output.out, Not(HasSubstr("troupe.toml")));
  EXPECT_THAT(output.err, HasSubstr("did you mean 'show'"));
  EXPECT_EQ(output.code, 2);
}

TEST_F(CliTest, AConsoleInJsonAnswersEveryLineWithObjects) {
  const auto output = troupe({"console", "--json"},
                             "submit echo -p text=a\n"
                             "jobs sohw\n"
                             "submit echo -p 'open\n"
                             "queue show\nhelp\n");
  const auto lines = output.lines();
  ASSERT_EQ(lines.size(), 5u) << output.out;
  EXPECT_EQ(lines[0]["state"], "queued");
  EXPECT_EQ(lines[1]["error"]["code"], "invalid_argument");
  EXPECT_EQ(lines[2]["error"]["code"], "invalid_argument");
  EXPECT_EQ(lines[3]["accepting"], "yes");
  EXPECT_THAT(lines[4]["help"], HasSubstr("submit"));
}

TEST_F(CliTest, TheDoctorFindsNothingWrong) {
  const auto output = troupe({"doctor", "--json"});
  EXPECT_EQ(output.code, 0) << output.out;
  EXPECT_EQ(output.json()["ok"], true);
}

TEST_F(CliTest, NothingIsColouredThatIsNotRead) {
  const auto id = place_->submit({"echo", "-p", "text=a"});
  for (const Words& args : {Words{"jobs", "list"}, Words{"jobs", "wait", id},
                            Words{"run", "echo", "-p", "text=a"},
                            Words{"doctor"}, Words{"--help"}}) {
    const auto output = troupe(args);
    EXPECT_THAT(output.out + output.err, Not(HasSubstr("\x1b"))) << args[0];
  }
}

TEST_F(CliTest, ABackupIsTakenLiveAndStartsByItself) {
  const auto id = place_->submit(
      {"process.run", "--output", "o", "--", "sh", "-c", "echo kept > o"});
  ASSERT_TRUE(place_->reaches(id, "succeeded"));
  const auto copy = place_->path("copy").string();
  const auto taken = troupe({"backup", copy});
  ASSERT_EQ(taken.code, 0) << taken.err;
  const auto full = troupe({"backup", place_->path("").string()});
  EXPECT_EQ(full.code, 5) << "it must not write among other files";
  EXPECT_THAT(full.err, HasSubstr("not empty"));
  const auto inside = place_->data() / "sub/copy";
  const auto refused = troupe({"backup", inside.string()});
  EXPECT_EQ(refused.code, 5);
  EXPECT_THAT(refused.err, HasSubstr("lies in the data folder itself"));
  EXPECT_FALSE(std::filesystem::exists(inside.parent_path()));
  auto node = place_->start({"node", "--data", copy});
  ASSERT_TRUE(node->read_line()) << node->finish(1'000).err;
  const auto got =
      troupe({"artifacts", "get", id, "o", "-o", "-", "--data", copy});
  EXPECT_EQ(got.out, "kept\n") << got.err;
  node->signal(SIGTERM);
  EXPECT_EQ(node->finish().code, 0);
}

TEST_F(CliTest, ClientsAreMadeListedAndRemoved) {
  const auto made = troupe({"clients", "add", "ann", "--json"});
  ASSERT_EQ(made.code, 0) << made.err;
  EXPECT_THAT(troupe({"clients", "list"}).out, HasSubstr("ann"));
  EXPECT_EQ(troupe({"clients", "remove", "ann"}).code, 0);
  EXPECT_EQ(troupe({"clients", "remove", "ann"}).code, 4);
  EXPECT_EQ(troupe({"clients", "add", "ann"}).code, 0);
  EXPECT_EQ(troupe({"clients", "remove", "ann"}).code, 0);
}

TEST_F(CliTest, AClientsNameThatIsNoneIsRefusedWithTheReason) {
  const auto refused = troupe({"clients", "add", "../x"});
  EXPECT_NE(refused.code, 0);
  EXPECT_THAT(refused.err, HasSubstr("letters, digits, '-', '_' or '.'"));
}

}  // namespace
}  // namespace troupe::test
