#include "apps/chat_words.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace troupe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

ChatVerb verb(std::string_view line) {
  const auto read = read_chat_line(line);
  EXPECT_TRUE(read) << read.error().message;
  return read ? read->verb : ChatVerb::nothing;
}
std::string text(std::string_view line) {
  const auto read = read_chat_line(line);
  return read ? read->text : "";
}
std::string fault(std::string_view line) {
  const auto read = read_chat_line(line);
  return read ? "" : read.error().message;
}

TEST(ChatWordsTest, ALineIsAQuestion) {
  EXPECT_EQ(verb("  how are you? \r"), ChatVerb::ask);
  EXPECT_EQ(text("  how are you? \r"), "how are you?");
  EXPECT_EQ(verb(""), ChatVerb::nothing);
  EXPECT_EQ(verb(" \t\r"), ChatVerb::nothing);
  EXPECT_EQ(text("a / b"), "a / b");
}

TEST(ChatWordsTest, OrdersBeginWithASlash) {
  EXPECT_EQ(verb("/help"), ChatVerb::help);
  EXPECT_EQ(verb(" /clear "), ChatVerb::clear);
  EXPECT_EQ(verb("/retry"), ChatVerb::retry);
  EXPECT_EQ(verb("/quit"), ChatVerb::quit);
  EXPECT_EQ(verb("/system  Be brief. "), ChatVerb::system);
  EXPECT_EQ(text("/system  Be brief. "), "Be brief.");
  EXPECT_EQ(text("/system"), "");
  EXPECT_EQ(verb("/save a file.json"), ChatVerb::save);
  EXPECT_EQ(text("/save a file.json"), "a file.json");
}

TEST(ChatWordsTest, AQuestionMayBeginWithASlash) {
  EXPECT_EQ(verb("//etc/passwd, what is that?"), ChatVerb::ask);
  EXPECT_EQ(text("//etc/passwd, what is that?"), "/etc/passwd, what is that?");
  EXPECT_EQ(read_question("/quit")->verb, ChatVerb::ask);
  EXPECT_EQ(read_question("/quit")->text, "/quit");
  EXPECT_EQ(read_question(" ")->verb, ChatVerb::nothing);
}

TEST(ChatWordsTest, AMistypedOrderIsAnsweredWithTheNearest) {
  EXPECT_THAT(fault("/hlep"), HasSubstr("unknown order '/hlep'; did you mean "
                                        "'/help'?"));
  EXPECT_THAT(fault("/zzzzzz"), HasSubstr("known are /help, /clear"));
  EXPECT_THAT(fault("/etc/passwd"), HasSubstr("is written with '//'"));
}

TEST(ChatWordsTest, AnOrderHasTheWordsItNeeds) {
  EXPECT_THAT(fault("/save"), HasSubstr("write: /save FILE"));
  EXPECT_THAT(fault("/clear all"), HasSubstr("'all' is too many"));
}

TEST(ChatWordsTest, WhatIsNoUtf8IsRefusedByItsPlace) {
  EXPECT_THAT(fault("caf\xe9"), HasSubstr("at byte 3"));
  EXPECT_THAT(fault("/system caf\xe9"), HasSubstr("no UTF-8"));
  EXPECT_FALSE(read_question("caf\xe9"));
}

TEST(ChatWordsTest, HelpAndCompletionKnowEveryOrder) {
  EXPECT_THAT(chat_completions("/s"), ElementsAre("/system", "/save"));
  EXPECT_THAT(chat_completions("/"), testing::SizeIs(6));
  EXPECT_THAT(chat_completions("s"), IsEmpty());
  EXPECT_THAT(chat_completions("/save x"), IsEmpty());
  for (const auto& order : chat_completions("/"))
    EXPECT_THAT(chat_help(), HasSubstr("  " + order));
}

}  // namespace
}  // namespace troupe
