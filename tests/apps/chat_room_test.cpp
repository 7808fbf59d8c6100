// How much of a conversation is sent to a model whose files are at hand.
#include "apps/chat_room.hpp"

#include <gtest/gtest.h>

#include "tests/models/text_model.hpp"

namespace troupe {
namespace {

/// With so many turns of twelve words before its question.
Conversation talk_of(int turns) {
  Conversation talk;
  for (int i = 0; i < turns; ++i) {
    talk.ask("hello there hello there hello there");
    talk.answer("hello there hello there hello there");
  }
  talk.ask("hello");
  return talk;
}

/// Tokens of what is sent, as the model's engine counts them.
std::int64_t tokens_of(const TextModelFolder& model, const Conversation& talk) {
  Chat chat;
  for (const auto& said : talk.sent())
    chat.messages.push_back(
        {.role = said.message.role, .content = said.message.content});
  const auto text = ChatTemplate::load(model.path())->render(chat);
  return std::ssize(*Tokenizer::load(model.path())->encode(*text));
}

TEST(ChatRoomTest, CountsAsTheModelDoes) {
  const TextModelFolder model;  // Of 512 positions.
  const auto talk = talk_of(4);
  const auto left = 512 - tokens_of(model, talk);
  ASSERT_GT(left, 1);
  ChatRoom room{model.path()};
  EXPECT_TRUE(room.has(talk, left));
  EXPECT_FALSE(room.has(talk, left + 1));
}

TEST(ChatRoomTest, WhereNobodySaysHowLongAQuarterOfTheRoomIsTheAnswers) {
  const TextModelFolder model;
  ChatRoom room{model.path()};
  auto talk = talk_of(1);
  int turns = 1;
  while (room.has(talk, 0)) talk = talk_of(++turns);
  EXPECT_GT(tokens_of(model, talk), 512 - 128);
  EXPECT_LE(tokens_of(model, talk_of(turns - 1)), 512 - 128);
}

TEST(ChatRoomTest, AQuestionWithoutRoomIsRefusedWithTheFigures) {
  const TextModelFolder model;
  ChatRoom room{model.path()};
  const auto talk = talk_of(0);
  const auto tokens = tokens_of(model, talk);
  const auto left = 512 - tokens;
  EXPECT_FALSE(room.refusal(talk, 0));
  EXPECT_FALSE(room.refusal(talk, left));
  const auto by_answer = room.refusal(talk, left + 1);
  ASSERT_TRUE(by_answer);
  EXPECT_EQ(by_answer->message,
            "max_tokens is " + std::to_string(left + 1) +
                " after a prompt of " + std::to_string(tokens) +
                " tokens; this model has room for 512 together: allowed are 1 "
                "to " +
                std::to_string(left));
  Conversation longer;
  std::string text;
  for (int i = 0; i < 300; ++i) text += "hello there ";
  longer.ask(text);
  ASSERT_GE(tokens_of(model, longer), 512);
  const auto by_itself = room.refusal(longer, 0);
  ASSERT_TRUE(by_itself);
  EXPECT_EQ(by_itself->code, Errc::too_large);
  EXPECT_NE(by_itself->message.find(std::to_string(tokens_of(model, longer))),
            std::string::npos)
      << by_itself->message;
  EXPECT_FALSE(ChatRoom{}.refusal(longer, 0)) << "nobody can know";
}

TEST(ChatRoomTest, SaysOfAModelWhatItsNodeWouldSay) {
  const TextModelFolder model;
  JobSpec spec;
  spec.kind = "text.generate";
  spec.model = model.path();
  spec.params = R"({"max_tokens":511})";
  EXPECT_TRUE(ChatRoom{model.path()}.fits(spec));
  spec.params = R"({"max_tokens":512,"logit_bias":{"5000":1}})";
  EXPECT_EQ(ChatRoom{model.path()}.fits(spec).error().faults.size(), 2u);
  EXPECT_TRUE(ChatRoom{}.fits(spec)) << "for the node to say";
  TextModelFolder raw;
  raw.add("chat_template.jinja", "{{ x }}");
  const auto fits = ChatRoom{raw.path()}.fits(spec);
  ASSERT_FALSE(fits);
  EXPECT_NE(fits.error().message.find("for a raw prompt: troupe run"),
            std::string::npos)
      << fits.error().message;
  std::filesystem::resize_file(model.path() / "model.safetensors", 1'000);
  const auto cut = ChatRoom{model.path()}.fits(spec);
  ASSERT_FALSE(cut);
  EXPECT_NE(cut.error().message.find("troupe models check"), std::string::npos)
      << cut.error().message;
}

TEST(ChatRoomTest, WhatIsNotHereHasRoomUntilItIsRefused) {
  ChatRoom room;
  EXPECT_TRUE(room.has(talk_of(100), 1'000'000));
  room.refused(talk_of(20));
  EXPECT_FALSE(room.has(talk_of(20), 1));
  EXPECT_FALSE(room.has(talk_of(21), 1));
  EXPECT_TRUE(room.has(talk_of(19), 1));
  room.refused(talk_of(30));
  EXPECT_FALSE(room.has(talk_of(20), 1)) << "the least of them counts";
}

TEST(ChatRoomTest, AFolderThatIsNoModelIsForTheNodeToJudge) {
  const platform::TempDir empty;
  EXPECT_TRUE(ChatRoom{empty.path()}.has(talk_of(100), 1'000'000));
}

TEST(AnswerTokensTest, TheOptionOrTheParameter) {
  EXPECT_EQ(answer_tokens({}), 0);
  EXPECT_EQ(answer_tokens({.max_tokens = "7"}), 7);
  EXPECT_EQ(answer_tokens({.params = {"top_p=1", "max_tokens=9"}}), 9);
  EXPECT_EQ(answer_tokens({.params = {"max_tokens=all"}}), 0);
}

}  // namespace
}  // namespace troupe
