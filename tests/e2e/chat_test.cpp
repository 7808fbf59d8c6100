// A conversation with a model: by pipe, as scripts hold it, and at a terminal.
#include "tests/e2e/cli_fixture.hpp"
#include "tests/e2e/pty_process.hpp"
#include "tests/models/text_model.hpp"
#include "tests/platform/eventually.hpp"

namespace troupe::test {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

// Says so much that there is time to interrupt it.
constexpr int kLong = 15'000;

class ChatTest : public CliTest {
 protected:
  static void SetUpTestSuite() {
    CliTest::SetUpTestSuite();
    model_ = new TextModelFolder{place_->path("model")};
    model_->tiny.config["max_position_embeddings"] = 16'384;
    model_->tiny.write(model_->path());
  }
  static void TearDownTestSuite() {
    delete model_;
    CliTest::TearDownTestSuite();
  }
  static Words chat(int tokens, const Words& more = {}) {
    Words words{"chat",
                "--model",
                model_->path(),
                "--max-tokens",
                std::to_string(tokens),
                "--temperature",
                "1",
                "-p",
                "ignore_eos=true",
                "-p",
                "seed=5"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  /// The parameters of the job that answered.
  static Json params(const Json& answer) {
    return show(answer["job"].get<std::string>())["params"];
  }
  /// The job of a chat that is in the middle of its answer.
  static std::string writing_job() {
    std::string id;
    const bool found = platform::eventually([&] {
      const auto jobs = troupe({"jobs", "list", "--json", "--tag", "chat",
                                "--state", "running"})
                            .lines();
      if (jobs.empty()) return false;
      id = jobs[0]["id"];
      const auto shown = show(id);
      return shown["progress_detail"].is_object() &&
             shown["progress_detail"].value("done", 0) > 200;
    });
    EXPECT_TRUE(found) << "no answer is being written";
    return id;
  }
  static Json newest_job() {
    const auto jobs = troupe({"jobs", "list", "--json", "--limit", "1"}).json();
    return show(jobs["id"]);
  }

  static inline TextModelFolder* model_ = nullptr;
};

TEST_F(ChatTest, TwoLinesAreTwoTurnsOfOneConversation) {
  const auto output = troupe(chat(12, {"--json", "--system", "Be brief."}),
                             "hello there\n\nand what else?\n");
  EXPECT_EQ(output.code, 0) << output.err;
  const auto answers = output.lines();
  ASSERT_EQ(answers.size(), 2u) << output.out;
  for (const auto& answer : answers) {
    EXPECT_EQ(answer["finish_reason"], "length");
    EXPECT_EQ(answer["usage"]["completion_tokens"], 12);
    EXPECT_TRUE(answer["timing"]["first_token_ms"].is_number());
    EXPECT_FALSE(answer["text"].get<std::string>().empty());
  }
  const auto second = params(answers[1]);
  EXPECT_EQ(second["system"], "Be brief.");
  ASSERT_EQ(second["messages"].size(), 3u);
  EXPECT_EQ(second["messages"][0]["content"], "hello there");
  EXPECT_EQ(second["messages"][1]["role"], "assistant");
  EXPECT_EQ(second["messages"][1]["content"], answers[0]["text"]);
  EXPECT_EQ(second["messages"][2]["content"], "and what else?");
}

TEST_F(ChatTest, StandardOutputHasTheAnswersAndNothingElse) {
  const std::string questions = "hello there\nand what else?";
  const auto answers = troupe(chat(40, {"--json"}), questions).lines();
  ASSERT_EQ(answers.size(), 2u);
  const auto plain = troupe(chat(40), questions);
  EXPECT_EQ(plain.code, 0) << plain.err;
  EXPECT_EQ(plain.out, answers[0]["text"].get<std::string>() + "\n" +
                           answers[1]["text"].get<std::string>() + "\n");
  EXPECT_EQ(plain.err, "");
}

TEST_F(ChatTest, ALongAnswerIsWholeHoweverFastItCame) {
  const auto whole = troupe(chat(5'000, {"--json"}), "tell me all\n").json();
  const auto plain = troupe(chat(5'000), "tell me all\n");
  EXPECT_EQ(plain.code, 0) << plain.err;
  EXPECT_EQ(plain.out, whole["text"].get<std::string>() + "\n");
}

TEST_F(ChatTest, AnOrderInAPipeIsAQuestion) {
  const auto answer = troupe(chat(3, {"--json"}), "/quit\n").json();
  EXPECT_EQ(params(answer)["messages"][0]["content"], "/quit");
}

TEST_F(ChatTest, TheEndOfTheInputEndsIt) {
  const auto output = troupe(chat(3));
  EXPECT_EQ(output.code, 0) << output.err;
  EXPECT_EQ(output.out + output.err, "");
}

TEST_F(ChatTest, CtrlCCancelsTheAnswerAndEndsAPipe) {
  const auto running = place_->start(chat(kLong, {"--json"}));
  running->write("tell me all\nand more\n");
  const auto id = writing_job();
  running->signal(SIGINT);
  const auto output = running->finish();
  EXPECT_EQ(output.code, 130) << output.err;
  const auto answer = output.json();
  EXPECT_EQ(answer["job"], id);
  EXPECT_EQ(answer["finish_reason"], "cancelled");
  EXPECT_FALSE(answer["text"].get<std::string>().empty());
  EXPECT_EQ(place_->state(id), "cancelled");
}

TEST_F(ChatTest, CtrlCWhileItWaitsForALineEndsIt) {
  const auto running = place_->start(chat(3, {"--json"}));
  running->write("hello\n");
  ASSERT_TRUE(running->read_line());
  running->signal(SIGINT);
  EXPECT_EQ(running->finish().code, 130);
}

TEST_F(ChatTest, AMistypedModelIsAnsweredWithTheNearest) {
  std::filesystem::create_directories(place_->data() / "models" / "tiny-chat");
  std::filesystem::copy(model_->path() / "config.json",
                        place_->data() / "models" / "tiny-chat");
  const auto output =
      troupe({"chat", "--model", "tiny-chta", "--json"}, "hi\n");
  EXPECT_EQ(output.code, 2);
  EXPECT_THAT(output.err, HasSubstr("there is no model 'tiny-chta'"));
  EXPECT_THAT(output.err, HasSubstr("did you mean 'tiny-chat'?"));
  EXPECT_EQ(output.json()["error"]["code"], "invalid_argument");
  const auto none = troupe({"chat"});
  EXPECT_EQ(none.code, 2);
  EXPECT_THAT(none.err, HasSubstr("--model MODEL is missing: A name of"));
}

TEST_F(ChatTest, WhatIsWrongWithAParameterIsSaidBeforeAnythingIsAsked) {
  const auto wrong = troupe(chat(3, {"-p", "top_p=7"}), "hi\n");
  EXPECT_EQ(wrong.code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("params.top_p"));
  const auto all =
      troupe({"chat", "--model", model_->path(), "--max-tokens", "0", "-p",
              "messages=[]", "-p", "n=3", "-p", "temperature=500"},
             "hi\n");
  EXPECT_EQ(all.code, 2);
  EXPECT_THAT(all.err, HasSubstr("type what you want to say"));
  EXPECT_THAT(all.err, HasSubstr("several answers: troupe run"));
  EXPECT_THAT(all.err, HasSubstr("params.temperature: is 500"));
  EXPECT_THAT(all.err, HasSubstr("params.max_tokens: is 0"));
}

TEST_F(ChatTest, AQuestionWithoutRoomMakesNoJobAndTheNextIsAnswered) {
  std::string long_question(40'000, '1');
  const auto output = troupe(chat(3, {"--json"}), long_question + "\nhello\n");
  EXPECT_EQ(output.code, 5) << output.err;
  const auto lines = output.lines();
  ASSERT_EQ(lines.size(), 2u) << output.out;
  EXPECT_THAT(lines[0]["error"]["message"].get<std::string>(),
              HasSubstr("the question is too long by itself: it has 4"));
  EXPECT_FALSE(lines[0].contains("job"));
  EXPECT_EQ(params(lines[1])["messages"].size(), 1u);
}

TEST_F(ChatTest, AConversationThatOutgrowsAJobGoesAsAFileAndLosesNothing) {
  std::string question;
  for (int i = 0; i < 500; ++i) question += "hello there ";
  question += "\n";
  const auto output = troupe(chat(3, {"--json", "--system", "Be brief."}),
                             question + question + question + question);
  EXPECT_EQ(output.code, 0) << output.err;
  const auto lines = output.lines();
  ASSERT_EQ(lines.size(), 4u) << output.out;
  EXPECT_EQ(params(lines[1])["messages"].size(), 3u);
  EXPECT_EQ(params(lines[3])["messages_input"], "messages");
  EXPECT_EQ(params(lines[3])["system"], "Be brief.");
  EXPECT_GT(lines[3]["usage"]["prompt_tokens"],
            lines[2]["usage"]["prompt_tokens"]);
  EXPECT_EQ(output.err, "");
}

TEST_F(ChatTest, AConversationThatOutgrowsTheModelLosesItsOldestTurns) {
  TextModelFolder small{place_->path("small")};
  const auto ask = [&](const std::string& tokens) {
    return troupe({"chat", "--json", "--model", small.path(), "--max-tokens",
                   tokens, "-p", "ignore_eos=true"},
                  "hello there\nand what else?\n");
  };
  const auto output = ask("300");
  EXPECT_EQ(output.code, 0) << output.err;
  const auto lines = output.lines();
  ASSERT_EQ(lines.size(), 2u) << output.out;
  EXPECT_EQ(lines[1]["usage"]["completion_tokens"], 300);
  EXPECT_EQ(params(lines[1])["messages"].size(), 1u);
  EXPECT_THAT(output.err, HasSubstr("its oldest turns are left out"));
  EXPECT_EQ(troupe({"jobs", "list", "--json", "--limit", "2"}).lines()[1]["id"],
            lines[0]["job"])
      << "no job was tried that had no room";

  for (const auto* tokens : {"511", "600"}) {
    const auto never = ask(tokens);
    EXPECT_EQ(never.code, 5) << "before the first question";
    EXPECT_EQ(never.lines().size(), 1u);
    EXPECT_THAT(never.err, HasSubstr("max_tokens is "));
    EXPECT_THAT(never.err, HasSubstr("room for 512 together"));
  }
}

// -- at a terminal ------------------------------------------------------------

TEST_F(ChatTest, ATerminalHasAPromptAndAnOrderlyEnd) {
  PtyProcess terminal{*place_, chat(20)};
  ASSERT_TRUE(terminal.shows("/help lists the orders"));
  ASSERT_TRUE(terminal.shows("> "));
  terminal.type("hello there\n");
  EXPECT_TRUE(terminal.shows("\x1b[2m20 tokens, "));
  EXPECT_TRUE(terminal.shows("/s, the first after "));
  EXPECT_TRUE(terminal.shows("> "));
  terminal.type("/hlep\n");
  EXPECT_TRUE(terminal.shows("did you mean '/help'?"));
  terminal.type("/help\n");
  EXPECT_TRUE(terminal.shows("/save FILE"));
  terminal.type("/quit\n");
  EXPECT_EQ(terminal.finish(), 0) << terminal.text();
}

TEST_F(ChatTest, CtrlCCutsTheAnswerAndTheConversationGoesOn) {
  const auto file = place_->path("saved.json");
  PtyProcess terminal{*place_, chat(kLong)};
  ASSERT_TRUE(terminal.shows("> "));
  terminal.type("tell me all\n");
  ASSERT_TRUE(terminal.shows("tell me all"));
  // A small model is through in seconds, and the machine may have other work.
  // A bar of progress erases the one before it.
  ASSERT_TRUE(terminal.writes_after("\x1b[K", 300));
  terminal.type("\x03");  // It is the terminal of no session: no signal yet.
  terminal.signal(SIGINT);
  ASSERT_TRUE(terminal.shows("\x1b[2mcut")) << terminal.text();
  EXPECT_THAT(terminal.text(), Not(HasSubstr("^C")));
  ASSERT_TRUE(terminal.shows("> "));
  EXPECT_EQ(newest_job()["state"], "cancelled");
  terminal.type("/save " + file.string() + "\n");
  ASSERT_TRUE(terminal.shows("saved " + file.string()));
  const auto saved = *parse_json(place_->read("saved.json"));
  ASSERT_EQ(saved["messages"].size(), 2u) << terminal.text();
  EXPECT_EQ(saved["messages"][1]["cut"], true);
  EXPECT_FALSE(saved["messages"][1]["content"].get<std::string>().empty());
  // Before that the terminal is not in the mode that keeps the key.
  ASSERT_TRUE(terminal.shows("> "));
  terminal.type("\x04");
  EXPECT_EQ(terminal.finish(), 0) << terminal.text();
}

TEST_F(ChatTest, CtrlCClearsALineAndLeavesFromAnEmptyOne) {
  PtyProcess terminal{*place_, chat(3)};
  ASSERT_TRUE(terminal.shows("> "));
  terminal.type("half a ques");
  ASSERT_TRUE(terminal.shows("half a ques"));
  terminal.signal(SIGINT);
  ASSERT_TRUE(terminal.shows("\n"));
  ASSERT_TRUE(terminal.shows("> "));
  terminal.signal(SIGINT);
  EXPECT_EQ(terminal.finish(), 0) << terminal.text();
}

TEST_F(ChatTest, RetryAsksAgainWithAnotherSeedAndClearForgets) {
  const auto file = place_->path("again.json");
  PtyProcess terminal{*place_, chat(6), {"NO_COLOR=1"}};
  ASSERT_TRUE(terminal.shows("> "));
  terminal.type("/retry\n");
  EXPECT_TRUE(terminal.shows("nothing was asked yet"));
  terminal.type("how are you?\n");
  ASSERT_TRUE(terminal.shows("6 tokens"));
  EXPECT_EQ(newest_job()["params"]["seed"], 5);
  terminal.type("/retry\n");
  ASSERT_TRUE(terminal.shows("6 tokens"));
  const auto again = newest_job();
  EXPECT_EQ(again["params"]["seed"], 6);
  EXPECT_EQ(again["params"]["messages"].size(), 1u);
  terminal.type("/system Be brief.\n");
  ASSERT_TRUE(terminal.shows("the system text is set"));
  terminal.type("/clear\n");
  ASSERT_TRUE(terminal.shows("a new conversation"));
  terminal.type("and now?\n");
  ASSERT_TRUE(terminal.shows("6 tokens"));
  EXPECT_EQ(newest_job()["params"]["messages"].size(), 1u);
  EXPECT_EQ(newest_job()["params"]["system"], "Be brief.");
  terminal.type("/quit\n");
  EXPECT_EQ(terminal.finish(), 0);
  EXPECT_THAT(terminal.text(), Not(ContainsRegex("\x1b\\[[0-9;]*m")));
}

// -- without a node -----------------------------------------------------------

TEST_F(ChatTest, WithoutANodeItBringsOneForTheTimeItNeeds) {
  const Workplace alone;
  const auto output = alone.troupe(chat(5, {"--json"}), "hello\nagain\n");
  EXPECT_EQ(output.code, 0) << output.err;
  EXPECT_EQ(output.lines().size(), 2u);
  EXPECT_THAT(output.err, HasSubstr("starting one for this chat"));
  EXPECT_EQ(alone.troupe({"jobs", "list"}).code, 3) << "the node stayed";
}

}  // namespace
}  // namespace troupe::test
