#include "apps/text_stream.hpp"

#include <gtest/gtest.h>

#include <utility>

namespace troupe {
namespace {

// Says of each piece of text which one it follows, as the node does.
class TextStreamTest : public testing::Test {
 protected:
  std::string take(std::uint64_t index, std::string text,
                   std::uint32_t choice = 0) {
    LiveEvent event = next(LiveType::token);
    event.token = std::move(text);
    event.index = index;
    event.after_index = choice == 0 ? std::exchange(told_, index) : 0;
    event.choice = choice;
    return stream.take(event);
  }
  std::string take_progress() { return stream.take(next(LiveType::progress)); }
  void lose(std::uint64_t tokens) { told_ += tokens; }
  void begin_attempt() {
    ++attempt_;
    told_ = 0;
  }

  TextStream stream;

 private:
  LiveEvent next(LiveType type) { return {.attempt = attempt_, .type = type}; }
  std::uint32_t attempt_ = 1;
  std::uint64_t told_ = 0;  // Tokens of the first answer.
};

TEST_F(TextStreamTest, ShowsPiecesAndThenWhatIsLeft) {
  EXPECT_FALSE(stream.has_shown());
  EXPECT_EQ(take(1, "he"), "he");
  EXPECT_EQ(take(3, "llo"), "llo");
  EXPECT_TRUE(stream.has_shown());
  EXPECT_EQ(stream.shown(), "hello");
  EXPECT_EQ(stream.rest(R"({"text":"hello there"})"), " there\n");
}

TEST_F(TextStreamTest, ShowsNothingTwiceWhenAnAttemptIsRepeated) {
  EXPECT_EQ(take(1, "a"), "a");
  EXPECT_EQ(take(2, "b"), "b");
  begin_attempt();
  EXPECT_EQ(take(1, "a"), "");
  EXPECT_EQ(take(2, "b"), "");
  EXPECT_EQ(take(3, "c"), "c");
  EXPECT_EQ(stream.rest(R"({"text":"abc"})"), "\n");
}

TEST_F(TextStreamTest, PiecesOfARepeatedAttemptMayBeOtherOnes) {
  EXPECT_EQ(take(2, "ab"), "ab");
  begin_attempt();
  EXPECT_EQ(take(1, "a"), "");
  EXPECT_EQ(take(4, "bcd"), "cd");
  EXPECT_EQ(stream.rest(R"({"text":"abcd"})"), "\n");
}

TEST_F(TextStreamTest, WhatAnotherAttemptSaysOtherwiseWaitsForTheResult) {
  EXPECT_EQ(take(1, "ab"), "ab");
  begin_attempt();
  EXPECT_EQ(take(1, "ax"), "");
  EXPECT_EQ(take(2, "y"), "");
  EXPECT_EQ(stream.rest(R"({"text":"axy"})"), "\naxy\n");
}

TEST_F(TextStreamTest, WhatAnEarlierAttemptStillSaysIsPassedOver) {
  begin_attempt();
  EXPECT_EQ(take(1, "a"), "a");
  LiveEvent late{.attempt = 1, .type = LiveType::token};
  late.token = "late";
  late.index = 9;
  EXPECT_EQ(stream.take(late), "");
  EXPECT_EQ(take(2, "b"), "b");
}

TEST_F(TextStreamTest, ShowsNothingBehindAGapAndTheRestAtTheEnd) {
  EXPECT_EQ(take(1, "a"), "a");
  lose(1);
  EXPECT_EQ(take(3, "c"), "");
  EXPECT_EQ(take(4, "d"), "");
  EXPECT_EQ(stream.rest(R"({"text":"abcd"})"), "bcd\n");
}

TEST_F(TextStreamTest, GoesOnWithARepeatedAttemptThatHasNoGap) {
  EXPECT_EQ(take(1, "a"), "a");
  lose(1);
  EXPECT_EQ(take(3, "c"), "");
  begin_attempt();
  EXPECT_EQ(take(1, "a"), "");
  EXPECT_EQ(take(2, "b"), "b");
  EXPECT_EQ(stream.rest(R"({"text":"abc"})"), "c\n");
}

TEST_F(TextStreamTest, ShowsOnlyTheFirstOfSeveralAnswersAsItComes) {
  EXPECT_EQ(take(1, "x", 1), "");
  EXPECT_EQ(take(1, "y", 0), "y");
}

TEST_F(TextStreamTest, OfSeveralAnswersEachStandsUnderItsNumber) {
  constexpr auto kResult =
      R"({"text":"one","choices":[{"text":"one"},{"text":"two"},{"text":"3\n"}]})";
  constexpr auto kOthers = "\n[2 of 3]\ntwo\n\n[3 of 3]\n3\n\n";
  stream = TextStream{3};
  EXPECT_EQ(take(1, "o"), "[1 of 3]\no");
  EXPECT_EQ(take(2, "n"), "n") << "the number stands there once";
  EXPECT_EQ(stream.shown(), "on");
  EXPECT_EQ(stream.rest(kResult), std::string("e\n") + kOthers);
  EXPECT_EQ(TextStream{3}.rest(kResult),
            std::string("[1 of 3]\none\n") + kOthers)
      << "nothing of it was shown";
}

TEST_F(TextStreamTest, AFirstAnswerThatWasOtherwiseComesAnewUnderItsNumber) {
  stream = TextStream{2};
  EXPECT_EQ(take(1, "x"), "[1 of 2]\nx");
  EXPECT_EQ(
      stream.rest(R"({"text":"a","choices":[{"text":"a"},{"text":"b"}]})"),
      "\n[1 of 2]\na\n\n[2 of 2]\nb\n");
}

TEST(AnswersAskedTest, IsOneWhereTheParametersDoNotSay) {
  EXPECT_EQ(answers_asked(R"({"n":3})"), 3);
  EXPECT_EQ(answers_asked(R"({"n":"x"})"), 1);
  EXPECT_EQ(answers_asked("{}"), 1);
  EXPECT_EQ(answers_asked("no JSON"), 1);
}

TEST_F(TextStreamTest, PassesOverOtherEventsAndResults) {
  EXPECT_EQ(take_progress(), "");
  EXPECT_EQ(take(1, "a"), "a") << "an event that is no text is no gap";
  EXPECT_EQ(stream.rest(""), "");
  EXPECT_EQ(stream.rest(R"({"exit_code":0})"), "");
  EXPECT_EQ(TextStream{}.rest(R"({"text":"all"})"), "all\n");
}

TEST(TextForTest, WhereNobodyReadsItIsAsItIs) {
  EXPECT_EQ(text_for("a\tb\r\x1b[2J\nc", false), "a\tb\r\x1b[2J\nc");
}

TEST(TextForTest, OnATerminalNothingMovesTheCursorButLinesStayLines) {
  EXPECT_EQ(text_for("a\tb\r\x1b[2J\nc", true), "a\tb␍␛[2J\nc");
}

}  // namespace
}  // namespace troupe
