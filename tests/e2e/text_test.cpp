// A model that writes, through the whole program: node, device process, engine.
#include <unistd.h>

#include <fstream>

#include "platform/process.hpp"
#include "tests/e2e/cli_fixture.hpp"
#include "tests/models/text_model.hpp"
#include "tests/platform/eventually.hpp"

namespace troupe::test {
namespace {

using testing::HasSubstr;

class TextTest : public CliTest {
 protected:
  static void SetUpTestSuite() {
    CliTest::SetUpTestSuite();
    model_ = new TextModelFolder{place_->path("model")};
    // Long answers: something to interrupt.
    model_->tiny.config["max_position_embeddings"] = 16'384;
    model_->tiny.write(model_->path());
  }
  static void TearDownTestSuite() {
    delete model_;
    CliTest::TearDownTestSuite();
  }
  static Words job(int tokens, int seed = 5) {
    return {"text.generate",
            "--model",
            model_->path().string(),
            "-p",
            "prompt=hello there",
            "-p",
            "ignore_eos=true",
            "-p",
            "temperature=1",
            "-p",
            "max_tokens=" + std::to_string(tokens),
            "-p",
            "seed=" + std::to_string(seed)};
  }
  static Output run(Words words, const Words& more = {}) {
    words.insert(words.begin(), "run");
    words.insert(words.end(), more.begin(), more.end());
    return troupe(words);
  }
  static std::int32_t device_pid() {
    const auto all = platform::list_processes();
    for (const auto& process : platform::descendants(all, {node_->pid()})) {
      std::error_code gone;
      const auto program = std::filesystem::read_symlink(
          "/proc/" + std::to_string(process.pid) + "/exe", gone);
      if (program.filename() == "troupe-device") return process.pid;
    }
    return 0;
  }
  // Once it writes, it is in the middle of it.
  static bool writes(const std::string& id) {
    return platform::eventually([&] {
      const auto shown = show(id);
      return shown["progress_detail"].is_object() &&
             shown["progress_detail"].value("done", 0) > 0;
    });
  }

  static inline TextModelFolder* model_ = nullptr;
};

TEST_F(TextTest, RunPrintsTheTextAndNothingElse) {
  const auto plain = run(job(40));
  EXPECT_EQ(plain.code, 0) << plain.err;
  const auto result = run(job(40), {"--json"}).json()["result"];
  EXPECT_EQ(result["finish_reason"], "length");
  EXPECT_EQ(result["usage"]["completion_tokens"], 40);
  EXPECT_EQ(result["seed"], 5);
  // A repeated seed says the same. (What moves a cursor is not printed raw.)
  EXPECT_EQ(plain.out.size() > 20, true) << plain.out;
  EXPECT_THAT(plain.err, HasSubstr("succeeded"));
  EXPECT_EQ(run(job(40)).out, plain.out);
  EXPECT_NE(run(job(40, 6)).out, plain.out);
}

TEST_F(TextTest, RunPrintsAllOfSeveralAnswers) {
  const auto several = run(job(12), {"-p", "n=3"});
  EXPECT_EQ(several.code, 0) << several.err;
  EXPECT_TRUE(several.out.starts_with("[1 of 3]\n")) << several.out;
  EXPECT_THAT(several.out, HasSubstr("\n\n[2 of 3]\n"));
  EXPECT_THAT(several.out, HasSubstr("\n\n[3 of 3]\n"));
  const auto result = run(job(12), {"-p", "n=3", "--json"}).json()["result"];
  ASSERT_EQ(result["choices"].size(), 3u);
  for (const auto& choice : result["choices"])
    EXPECT_THAT(several.out, HasSubstr(choice["text"].get<std::string>()));
}

TEST_F(TextTest, EachRunTellsWhereItsAttemptRuns) {
  for (int i = 0; i < 5; ++i)
    EXPECT_THAT(run(job(2)).err, HasSubstr("\nrunning, attempt 1 on cpu\n"));
}

TEST_F(TextTest, AKilledDeviceProcessLosesNoJob) {
  const auto whole = run(job(15'000), {"--json"}).json()["result"];
  auto words = job(15'000);
  words.insert(words.begin(), "run");
  words.insert(words.end(), {"--json", "--id", "01KAAAAAAAAAAAAAAAAAAAAAAA"});
  const auto running = place_->start(words);
  ASSERT_TRUE(place_->reaches("01KAAAAAAAAAAAAAAAAAAAAAAA", "running"));
  ASSERT_TRUE(writes("01KAAAAAAAAAAAAAAAAAAAAAAA"));
  const auto device = device_pid();
  ASSERT_NE(device, 0);
  ASSERT_EQ(::kill(device, SIGKILL), 0);
  const auto seen = running->finish();
  const auto again = seen.json();
  EXPECT_EQ(again["attempt"], 2);
  // Who watches is told why the text stands still, and the node's log as well.
  for (const auto* line :
       {"\nrunning, attempt 1 on cpu\n",
        "\nattempt 1 is to be repeated as attempt 2: the device process was "
        "ended by SIGKILL",
        "\nits text is written again from the beginning",
        "\nrunning, attempt 2 on cpu\n"})
    EXPECT_THAT(seen.err, HasSubstr(line));
  EXPECT_THAT(node_->said(),
              HasSubstr("lost with it: attempt 1 of job 01KAAAAAAAAAA"));
  // Too long for a record: the result is a file of the job.
  EXPECT_EQ(again["artifacts"][0]["name"], "result.json");
  EXPECT_GT(whole["text"].get<std::string>().size(), 32'768u);
  EXPECT_EQ(again["result"]["text"], whole["text"]);
  EXPECT_NE(device_pid(), device);
  EXPECT_TRUE(node_->is_running());
}

TEST_F(TextTest, AKilledNodeLosesNoJobAndTheTextIsTheSame) {
  const auto whole = run(job(15'000, 9), {"--json"}).json()["result"];
  const auto id = place_->submit(job(15'000, 9));
  ASSERT_TRUE(writes(id));
  const auto device = device_pid();
  node_->signal(SIGKILL);
  node_->finish();
  delete node_;
  node_ = place_->node().release();
  // It goes with its node: nobody is left that would answer.
  EXPECT_TRUE(platform::eventually([&] { return ::kill(device, 0) != 0; }));
  ASSERT_TRUE(place_->reaches(id, "succeeded"));
  const auto again = show(id);
  EXPECT_EQ(again["attempt"], 2);
  const auto file = again["artifacts"][0]["sha256"].get<std::string>();
  const auto result = troupe({"artifacts", "get", file, "-o", "-"});
  EXPECT_EQ(result.json()["text"], whole["text"]);
}

TEST_F(TextTest, TwoJobsShareOneModel) {
  // The cache has room for both at once.
  const auto one = place_->submit(job(7'500));
  const auto two = place_->submit(job(7'500));
  ASSERT_TRUE(writes(one) && writes(two));
  const auto ledger = troupe({"queue", "show", "--json"}).json()["ledgers"][0];
  std::uint64_t bytes = 0;
  for (const auto& part : ledger["parts"]) {
    EXPECT_EQ(part["users"], 2) << part;
    bytes += part["bytes"].get<std::uint64_t>();
  }
  EXPECT_GT(bytes, 0u);
  EXPECT_EQ(ledger["reserved_bytes"], bytes) << "once, not for each";
  EXPECT_THAT(troupe({"jobs", "explain", two}).out,
              HasSubstr("shared with 1 other"));
  EXPECT_EQ(troupe({"jobs", "cancel", one, two}).code, 0);
  EXPECT_TRUE(place_->reaches(two, "cancelled"));
  EXPECT_THAT(troupe({"queue", "show"}).out, HasSubstr("weights"));
  EXPECT_TRUE(platform::eventually([] {
    return troupe({"queue", "show"}).out.find(", idle") != std::string::npos;
  }));
}

TEST_F(TextTest, JobsOfOneModelStartBesideEachOtherOnOneSlot) {
  constexpr int kJobs = 8;  // More than the machine has cores, or may have.
  ASSERT_EQ(troupe({"queue", "pause"}).code, 0);
  Words ids;
  for (int i = 0; i < kJobs; ++i) ids.push_back(place_->submit(job(7'500, i)));
  ASSERT_EQ(troupe({"queue", "resume"}).code, 0);
  // The cache has room for two of these at once; the others wait for it there.
  for (const auto& id : ids) ASSERT_TRUE(place_->reaches(id, "running"));
  const auto queue = troupe({"queue", "show", "--json"}).json()["queue"];
  EXPECT_EQ(queue["running"], kJobs);
  EXPECT_EQ(queue["slots"][0]["device"], "cpu");
  EXPECT_EQ(queue["slots"][0]["used"], 1);
  EXPECT_THAT(troupe({"queue", "show"}).out, HasSubstr("1 of "));
  EXPECT_THAT(troupe({"jobs", "explain", ids.back()}).out,
              HasSubstr("it shares 1 slot with 7 others of its model"));
  for (const auto& id : ids) EXPECT_EQ(troupe({"jobs", "cancel", id}).code, 0);
  for (const auto& id : ids) EXPECT_TRUE(place_->reaches(id, "cancelled"));
}

TEST_F(TextTest, ACancelledAnswerEndsAndTheNextIsWritten) {
  const auto id = place_->submit(job(15'000));
  ASSERT_TRUE(writes(id));
  EXPECT_EQ(troupe({"jobs", "cancel", id}).code, 0);
  EXPECT_TRUE(place_->reaches(id, "cancelled"));
  EXPECT_EQ(run(job(5)).code, 0);
}

TEST_F(TextTest, WhatCannotBeComputedIsRefusedBeforeItIsStored) {
  auto unknown = job(5);
  unknown[2] = "no-such-model";
  const auto refused = run(unknown);
  EXPECT_EQ(refused.code, 2) << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("there is no model 'no-such-model'"));
  // Of a program that does not look itself the node judges it.
  const auto line = place_->troupe(
      {"submit", "--json", "-"},
      R"({"kind":"text.generate","model":"no-such-model","params":{"prompt":"a"}})");
  EXPECT_EQ(line.code, 5);
  EXPECT_THAT(
      line.out,
      HasSubstr("model cannot be used: there is no model 'no-such-model'"));
  const auto wrong = run(job(5), {"-p", "top_p=7", "-p", "n=0"});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("params.top_p"));
  EXPECT_THAT(wrong.err, HasSubstr("params.n"));
}

TEST_F(TextTest, WhatTheModelCannotDoIsRefusedBesideWhatElseIsWrong) {
  const Words beyond{"-p", R"(logit_bias={"99999":1})"};
  const auto node_says = run(job(20'000), beyond);
  EXPECT_EQ(node_says.code, 5) << node_says.err;
  EXPECT_THAT(node_says.err, HasSubstr("room for 16384 together"));
  EXPECT_THAT(node_says.err, HasSubstr("params.logit_bias.99999"));
  auto also = beyond;
  also.insert(also.end(), {"-p", "top_p=7"});
  const auto seen_here = run(job(20'000), also);
  EXPECT_EQ(seen_here.code, 2) << seen_here.err;
  for (const auto* what :
       {"params.top_p", "params.max_tokens", "params.logit_bias.99999"})
    EXPECT_THAT(seen_here.err, HasSubstr(what));
}

TEST_F(TextTest, ABrokenModelIsRefusedAsModelsAddRefusesIt) {
  TextModelFolder broken{place_->path("broken")};
  broken.tiny.config["tie_word_embeddings"] = false;
  broken.tiny.write(broken.path());
  auto words = job(5);
  words[2] = broken.path().string();
  const auto refused = run(words);
  EXPECT_EQ(refused.code, 5) << refused.err;
  const auto* fault = "tensor lm_head.weight is missing";
  EXPECT_THAT(refused.err, HasSubstr(fault));
  EXPECT_THAT(troupe({"models", "add", broken.path().string()}).err,
              HasSubstr(fault));
}

TEST_F(TextTest, WhatTheModelHasNoRoomForFailsWithTheFigure) {
  const auto failed = run(job(16'383), {"--json"});
  EXPECT_EQ(failed.code, 1);
  const auto failure = failed.json()["failure"];
  EXPECT_EQ(failure["class"], "invalid");
  EXPECT_THAT(failure["message"].get<std::string>(),
              HasSubstr("room for 16384 together"));
}

TEST_F(TextTest, AFileThatIsTooLongForAPromptIsNotUploaded) {
  place_->write("long", std::string((4u << 20) + 1, 'x'));
  const auto refused =
      troupe({"run", "text.generate", "--model", model_->path(), "-p",
              "prompt=@" + place_->path("long").string()});
  EXPECT_EQ(refused.code, 2) << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("at most 4194304 are allowed"));
}

TEST_F(TextTest, APromptOfAnyLengthCanBeSent) {
  const auto file = place_->path("prompt");
  const auto with = [&](std::size_t bytes) {
    std::string text;
    while (text.size() < bytes) text += "hello there ";
    text.resize(bytes);
    std::ofstream{file} << text;
    auto words = job(5);
    words[4] = "prompt=@" + file.string();
    return run(words, {"--json"}).json();
  };
  const auto fits = with(20'000);
  EXPECT_GT(fits["result"]["usage"]["prompt_tokens"], 1'000);
  const auto never = with(1 << 20);
  EXPECT_EQ(never["failure"]["class"], "invalid");
  EXPECT_THAT(never["failure"]["message"].get<std::string>(),
              HasSubstr("room for 16384 together"));
}

TEST_F(TextTest, WhoFollowsLateIsToldTheWholeTextAndThenTheEnd) {
  const auto id = place_->submit(job(2'000));
  ASSERT_TRUE(writes(id));
  const auto all =
      troupe({"jobs", "events", id, "--follow", "--live", "--json"}).lines();
  std::string text;
  std::uint64_t last = 0;
  for (const auto& event : all) {
    if (!event.contains("token")) continue;
    EXPECT_GT(event["index"].get<std::uint64_t>(), last);
    last = event["index"].get<std::uint64_t>();
    text += event["token"].get<std::string>();
  }
  EXPECT_EQ(all.back()["type"], "ended");
  EXPECT_EQ(text, all.back()["result"]["text"]);
}

TEST_F(TextTest, ModelsAreShownCheckedAndTokenized) {
  const auto path = model_->path().string();
  const auto shown = troupe({"models", "show", path, "--json"}).json();
  EXPECT_EQ(shown["family"], "qwen2");
  EXPECT_EQ(shown["max_positions"], 16'384);
  EXPECT_EQ(troupe({"models", "check", path}).code, 0);
  EXPECT_EQ(troupe({"models", "tokenize", path}, "{\"text\":\"<|im_end|>\"}\n")
                .json()["ids"],
            Json::array({1502}));
  EXPECT_EQ(troupe({"models", "detokenize", path}, "{\"ids\":[1502]}\n")
                .json()["text"],
            "<|im_end|>");
  EXPECT_NE(troupe({"models", "show", "nothing-here"}).code, 0);
}

}  // namespace
}  // namespace troupe::test
