#include "apps/text_stream.hpp"

#include <gtest/gtest.h>

namespace troupe {
namespace {

LiveEvent piece(std::uint64_t index, std::string text,
                std::uint32_t attempt = 1, std::uint32_t choice = 0) {
  LiveEvent event{.attempt = attempt, .type = LiveType::token};
  event.token = std::move(text);
  event.index = index;
  event.choice = choice;
  return event;
}

TEST(TextStream, ShowsPiecesAndThenWhatIsLeft) {
  TextStream stream;
  EXPECT_FALSE(stream.has_shown());
  EXPECT_EQ(stream.take(piece(1, "he")), "he");
  EXPECT_EQ(stream.take(piece(3, "llo")), "llo");
  EXPECT_TRUE(stream.has_shown());
  EXPECT_EQ(stream.rest(R"({"text":"hello there"})"), " there\n");
}

TEST(TextStream, ShowsNothingTwiceWhenAnAttemptIsRepeated) {
  TextStream stream;
  EXPECT_EQ(stream.take(piece(1, "a")), "a");
  EXPECT_EQ(stream.take(piece(2, "b")), "b");
  EXPECT_EQ(stream.take(piece(1, "a", 2)), "");
  EXPECT_EQ(stream.take(piece(2, "b", 2)), "");
  EXPECT_EQ(stream.take(piece(3, "c", 2)), "c");
  EXPECT_EQ(stream.rest(R"({"text":"abc"})"), "\n");
}

TEST(TextStream, ShowsTheFirstOfSeveralAnswersOnly) {
  TextStream stream;
  EXPECT_EQ(stream.take(piece(1, "x", 1, 1)), "");
  EXPECT_EQ(stream.take(piece(1, "y", 1, 0)), "y");
}

TEST(TextStream, GivesTheWholeTextWhereAPieceWasLost) {
  TextStream stream;
  EXPECT_EQ(stream.take(piece(1, "a")), "a");
  EXPECT_EQ(stream.take(piece(3, "c")), "c");
  EXPECT_EQ(stream.rest(R"({"text":"abc"})"), "\nabc\n");
}

TEST(TextStream, PassesOverOtherEventsAndResults) {
  TextStream stream;
  EXPECT_EQ(stream.take({.type = LiveType::log}), "");
  EXPECT_EQ(stream.rest(""), "");
  EXPECT_EQ(stream.rest(R"({"exit_code":0})"), "");
  EXPECT_EQ(stream.rest(R"({"text":"all"})"), "all\n");
}

}  // namespace
}  // namespace troupe
