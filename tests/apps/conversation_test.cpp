#include "apps/conversation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kinds/kinds.hpp"

namespace troupe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// "role: content" of what was said, with "…" behind an answer that was cut.
std::vector<std::string> said(const Conversation& talk) {
  std::vector<std::string> all;
  for (const auto& one : talk.said())
    all.push_back(one.message.role + ": " + one.message.content +
                  (one.cut ? "…" : ""));
  return all;
}

/// The parameters of the job, as it would be submitted.
Json params(const ChatOptions& chat, const Conversation& talk) {
  const auto draft = draft_job(turn_options(chat, talk), all_kinds(), 0);
  EXPECT_TRUE(draft) << draft.error().message;
  return draft ? *parse_json(draft->spec.params) : Json{};
}

TEST(ConversationTest, QuestionsAndAnswersFollowEachOther) {
  Conversation talk;
  talk.ask("one?");
  talk.answer("One.");
  talk.ask("two?");
  talk.answer("Tw", true);
  EXPECT_THAT(said(talk), ElementsAre("user: one?", "assistant: One.",
                                      "user: two?", "assistant: Tw…"));
}

TEST(ConversationTest, AQuestionWithoutAnAnswerIsAsIfItHadNotBeenAsked) {
  Conversation talk;
  talk.ask("one?");
  talk.answer("One.");
  talk.ask("two?");
  talk.withdraw();
  EXPECT_THAT(said(talk), ElementsAre("user: one?", "assistant: One."));
}

TEST(ConversationTest, OneThatIsTooLongLeavesOutItsOldestTurns) {
  Conversation talk{"Be brief."};
  for (const auto* question : {"one?", "two?", "six?"}) {
    talk.ask(question);
    talk.answer("Yes.");
  }
  talk.ask("ten?");
  EXPECT_EQ(talk.sent().size(), 7u);
  EXPECT_TRUE(talk.leave_out_oldest());
  const auto sent = params({}, talk);
  EXPECT_EQ(sent["system"], "Be brief.");
  ASSERT_EQ(sent["messages"].size(), 5u);
  EXPECT_EQ(sent["messages"][0]["content"], "two?");
  EXPECT_EQ(talk.said().size(), 7u) << "all of it is kept";
  talk.answer("No.");
  talk.ask("and?");
  EXPECT_EQ(talk.sent().size(), 7u) << "what is left out stays so";
  EXPECT_EQ(talk.sent()[0].message.content, "two?");
}

TEST(ConversationTest, AQuarterIsLeftOutAtOnce) {
  Conversation talk;
  for (int i = 0; i < 40; ++i) {
    talk.ask("what is that?");
    talk.answer("a very long story");
  }
  talk.ask("and?");
  EXPECT_TRUE(talk.leave_out_oldest());
  EXPECT_EQ(talk.sent().size(), 59u);
}

TEST(ConversationTest, AQuestionThatIsTooLongByItselfTakesNothingAlong) {
  Conversation talk;
  talk.ask("one?");
  talk.answer("One.");
  talk.ask(std::string(20'000, 'x'));
  EXPECT_TRUE(talk.leave_out_oldest());
  EXPECT_EQ(talk.sent().size(), 1u);
  EXPECT_FALSE(talk.leave_out_oldest()) << "it stands alone";
  talk.withdraw();
  talk.ask("two?");
  EXPECT_EQ(talk.sent().size(), 3u);
}

TEST(ConversationTest, AskingAgainTakesTheAnswerBack) {
  Conversation talk;
  EXPECT_FALSE(talk.ask_again());
  talk.ask("one?");
  talk.answer("One.");
  EXPECT_TRUE(talk.ask_again());
  EXPECT_THAT(said(talk), ElementsAre("user: one?"));
  EXPECT_EQ(talk.repeats(), 1u);
  talk.answer("Won.");
  EXPECT_TRUE(talk.ask_again());
  EXPECT_EQ(talk.repeats(), 2u);
  talk.answer("Juan.");
  talk.ask("two?");
  EXPECT_EQ(talk.repeats(), 0u);
}

TEST(ConversationTest, AskingAgainAfterARefusalLeavesTheEarlierAnswer) {
  Conversation talk;
  talk.ask("one?");
  talk.answer("One.");
  talk.ask("two?");
  talk.withdraw();
  EXPECT_TRUE(talk.ask_again());
  EXPECT_THAT(said(talk),
              ElementsAre("user: one?", "assistant: One.", "user: two?"));
  talk.withdraw();
  EXPECT_THAT(said(talk), ElementsAre("user: one?", "assistant: One."));
}

TEST(ConversationTest, ANewOneForgetsAllButTheSystemText) {
  Conversation talk{"Be brief."};
  talk.ask("one?");
  talk.answer("One.");
  talk.clear();
  EXPECT_THAT(said(talk), ElementsAre());
  EXPECT_FALSE(talk.ask_again());
  EXPECT_EQ(talk.system(), "Be brief.");
}

TEST(ConversationTest, EachTurnAsksWithAllThatWasSaid) {
  Conversation talk{"Be brief."};
  talk.ask("one?");
  talk.answer("On", true);
  talk.ask("two?");
  const auto job = turn_options({.model = "m", .device = "cpu"}, talk);
  EXPECT_EQ(job.kind, "text.generate");
  EXPECT_EQ(job.model, "m");
  EXPECT_EQ(job.device, "cpu");
  EXPECT_THAT(job.tags, ElementsAre("chat"));
  EXPECT_EQ(dump_json(params({.model = "m"}, talk)),
            R"({"messages":[{"role":"user","content":"one?"},)"
            R"({"role":"assistant","content":"On"},)"
            R"({"role":"user","content":"two?"}],"system":"Be brief."})");
}

TEST(ConversationTest, ALongSystemTextGoesWithTheMessages) {
  Conversation talk{std::string(5'000, 'a')};
  talk.ask("?");
  const auto given = params({.model = "m"}, talk);
  EXPECT_FALSE(given.contains("system"));
  ASSERT_EQ(given["messages"].size(), 2u);
  EXPECT_EQ(given["messages"][0]["role"], "system");
  EXPECT_EQ(given["messages"][0]["content"], std::string(5'000, 'a'));
}

TEST(ConversationTest, OptionsAreParametersOfTheJob) {
  Conversation talk;
  talk.ask("?");
  const auto given = params({.model = "m",
                             .params = {"top_k=40", "stop=a"},
                             .temperature = "0.7",
                             .max_tokens = "9"},
                            talk);
  EXPECT_EQ(given["top_k"], 40);
  EXPECT_EQ(given["stop"], Json::array({"a"}));
  EXPECT_EQ(given["temperature"], 0.7);
  EXPECT_EQ(given["max_tokens"], 9);
  EXPECT_FALSE(given.contains("system"));
  EXPECT_FALSE(params({.model = "m"}, talk).contains("max_tokens"));
  EXPECT_EQ(params({.model = "m", .max_tokens = "4x"}, talk)["max_tokens"],
            "4x")
      << "for the kind to refuse";
  const ChatOptions twice{
      .model = "m", .params = {"max_tokens=1"}, .max_tokens = "40"};
  EXPECT_THAT(
      draft_job(turn_options(twice, talk), all_kinds(), 0).error().message,
      HasSubstr("'max_tokens' is given twice"));
}

TEST(ConversationTest, AskingAgainTakesAnotherSeedThanTheGivenOne) {
  const ChatOptions chat{.model = "m", .params = {"top_k=3", "seed=7"}};
  Conversation talk;
  talk.ask("?");
  EXPECT_EQ(params(chat, talk)["seed"], 7);
  talk.answer("!");
  talk.ask_again();
  EXPECT_EQ(params(chat, talk)["seed"], 8);
  // Without one the job's id gives it, another one each time.
  EXPECT_FALSE(params({.model = "m"}, talk).contains("seed"));
}

TEST(ConversationTest, WhatTheChatFillsInItselfIsNoParameter) {
  const std::pair<const char*, const char*> cases[] = {
      {"messages=[]", "type what you want to say"},
      {"prompt=hi", "troupe run text.generate"},
      {"system=x", "--system TEXT"},
      {"n=2", "troupe run text.generate"},
  };
  for (const auto& [param, advice] : cases) {
    const auto faults = chat_faults({.params = {"top_k=1", param}});
    ASSERT_EQ(faults.size(), 1u) << param;
    EXPECT_EQ(faults[0].path,
              "params." + std::string(param).substr(
                              0, std::string_view{param}.find('=')));
    EXPECT_THAT(faults[0].message, HasSubstr(advice));
  }
  EXPECT_TRUE(chat_faults({.params = {"min_p=0.1", "nn=1"}}).empty());
  const ChatOptions all{.system = "\xff", .params = {"n=2", "a=1", "prompt=x"}};
  EXPECT_EQ(chat_faults(all).size(), 3u) << "all of them in one answer";
  EXPECT_EQ(chat_faults(all)[2].path, "--system");
  EXPECT_TRUE(chat_faults(without_ours(all)).empty());
  EXPECT_EQ(without_ours(all).params, std::vector<std::string>{"a=1"});
}

TEST(ConversationTest, IsSavedWithWhatWasCut) {
  Conversation talk{"Be brief."};
  talk.ask("one?");
  talk.answer("On", true);
  EXPECT_EQ(dump_json(conversation_json(talk, "m")),
            R"({"model":"m","system":"Be brief.","messages":[)"
            R"({"role":"user","content":"one?"},)"
            R"({"role":"assistant","content":"On","cut":true}]})");
  EXPECT_EQ(dump_json(conversation_json(Conversation{}, "m")),
            R"({"model":"m","messages":[]})");
}

}  // namespace
}  // namespace troupe
