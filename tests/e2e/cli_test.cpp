// The command line as scripts see it: the real program against a real node.
#include <algorithm>
#include <set>

#include "tests/e2e/cli_fixture.hpp"

namespace troupe::test {
namespace {

using testing::HasSubstr;
using testing::Not;

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

TEST_F(CliTest, AFailedChainIsRetriedWhole) {
  const auto flag = place_->path("flag").string();
  const auto first = place_->submit({"process.run", "--", "test", "-e", flag});
  const auto second =
      place_->submit({"echo", "-p", "text=2", "--after", first});
  const auto third =
      place_->submit({"echo", "-p", "text=3", "--after", second});
  ASSERT_TRUE(place_->reaches(third, "failed"));
  EXPECT_THAT(show(third)["failure"]["message"].get<std::string>(),
              HasSubstr("retry both with one 'jobs retry'"));
  place_->write("flag", "");
  const auto again =
      troupe({"jobs", "retry", third, first, second, "--json"}).lines();
  ASSERT_EQ(again.size(), 3u);
  for (const auto& one : again)
    EXPECT_TRUE(place_->reaches(one["id"], "succeeded")) << one;
}

TEST_F(CliTest, RetryRunsTheSameWorkUnderANewId) {
  const auto id = place_->submit({"process.run", "--", "false"});
  ASSERT_TRUE(place_->reaches(id, "failed"));
  const auto json = troupe({"jobs", "retry", id, "--json"}).json();
  EXPECT_EQ(json["retry_of"], id);
  EXPECT_NE(json["id"], id);
  EXPECT_TRUE(place_->reaches(json["id"], "failed"));
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

TEST_F(CliTest, NothingIsColouredThatIsNotRead) {
  const auto id = place_->submit({"echo", "-p", "text=a"});
  for (const Words& args : {Words{"jobs", "list"}, Words{"jobs", "wait", id},
                            Words{"run", "echo", "-p", "text=a"},
                            Words{"doctor"}, Words{"--help"}}) {
    const auto output = troupe(args);
    EXPECT_THAT(output.out + output.err, Not(HasSubstr("\x1b"))) << args[0];
  }
}

}  // namespace
}  // namespace troupe::test
