#include "models/text/answer_text.hpp"

#include <gtest/gtest.h>

#include "tests/models/golden.hpp"

namespace troupe {
namespace {

const Tokenizer& tokenizer() {
  static const auto loaded = Tokenizer::parse(
      read_text(kGoldenDir / "tokenizer" / "strings.json"), "strings.json");
  return *loaded;
}

// One token for each byte of `text`: the worst that a model may do.
std::vector<TokenId> byte_by_byte(std::string_view text) {
  std::vector<TokenId> ids;
  for (const char byte : text)
    for (TokenId id = 0; tokenizer().has(id); ++id)
      if (tokenizer().bytes_of(id) == std::string_view{&byte, 1}) {
        ids.push_back(id);
        break;
      }
  EXPECT_EQ(ids.size(), text.size());
  return ids;
}

struct Told {
  std::vector<std::string> pieces;  // One a token, and the rest.
  std::string text;
  bool stopped = false;
};

Told told(std::string_view text, std::vector<std::string> stops) {
  AnswerText answer{tokenizer(), std::move(stops)};
  Told told;
  for (const auto id : byte_by_byte(text)) {
    told.pieces.push_back(answer.push(id));
    if (answer.stopped()) break;
  }
  told.pieces.push_back(answer.finish());
  for (const auto& piece : told.pieces) told.text += piece;
  EXPECT_EQ(told.text, answer.text());
  told.stopped = answer.stopped();
  return told;
}

TEST(AnswerText, HandsOutWholeCharactersAsTheyCome) {
  const auto all = told("aé€", {});
  EXPECT_EQ(all.pieces,
            (std::vector<std::string>{"a", "", "é", "", "", "€", ""}));
  EXPECT_FALSE(all.stopped);
}

TEST(AnswerText, EndsBeforeAStopStringHoweverItsTokensFall) {
  const auto all = told("one END two", {"END"});
  EXPECT_EQ(all.text, "one ");
  EXPECT_TRUE(all.stopped);
  EXPECT_EQ(all.pieces.size(), 8u);
}

TEST(AnswerText, HoldsBackWhatMayBecomeAStopString) {
  const auto all = told("xENy", {"END"});
  EXPECT_EQ(all.pieces, (std::vector<std::string>{"x", "", "", "ENy", ""}));
}

TEST(AnswerText, HandsOutTheBeginningOfAStopStringAtTheEnd) {
  EXPECT_EQ(told("xEN", {"END"}).text, "xEN");
}

TEST(AnswerText, FindsAStopStringThatBeginsInAFalseStart) {
  EXPECT_EQ(told("aabab!", {"abab"}).text, "a");
  EXPECT_EQ(told("aab", {"ab"}).text, "a");
}

TEST(AnswerText, TakesTheFirstOfSeveralInTheText) {
  EXPECT_EQ(told("a, b. c", {".", ","}).text, "a");
  EXPECT_EQ(told("\n\nx", {"\n\n", "x"}).text, "");
}

TEST(AnswerText, EndsAfterHalfACharacterWithItsReplacement) {
  EXPECT_EQ(told(std::string_view{"a\xe2\x82", 3}, {"b"}).text,
            "a\xef\xbf\xbd");
}

TEST(AnswerText, LeavesSpecialTokensOut) {
  AnswerText answer{tokenizer(), {}};
  EXPECT_EQ(answer.push(*tokenizer().find_added("<|im_end|>")), "");
  EXPECT_EQ(answer.text(), "");
}

}  // namespace
}  // namespace troupe
