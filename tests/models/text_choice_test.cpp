#include "models/qwen2/text_choice.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/models/golden.hpp"

namespace troupe {
namespace {

using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

class TextChoiceTest : public ::testing::Test {
 protected:
  TextChoiceTest() {
    request_.prompt = {10, 11, 10};
    request_.max_tokens = 3;
    request_.eos = {1500};
  }
  TextChoice choice(std::uint32_t index = 0) {
    return {request_, *tokenizer_, index};
  }
  static std::map<TokenId, int> seen(const TextChoice& choice) {
    std::map<TokenId, int> seen;
    const auto row = choice.sampling();
    for (int i = 0; i < row.seen_count; ++i)
      seen[row.seen[i].id] = row.seen[i].generated;
    EXPECT_EQ(std::ssize(seen), row.seen_count) << "an id twice";
    return seen;
  }

  Result<Tokenizer> tokenizer_ = Tokenizer::parse(
      read_text(kGoldenDir / "tokenizer" / "strings.json"), "strings.json");
  TextRequest request_;
};

TEST_F(TextChoiceTest, CountsWhatThePromptHasAndWhatWasWritten) {
  request_.sampling.repetition_penalty = 1.2f;
  auto some = choice();
  EXPECT_THAT(seen(some), UnorderedElementsAre(Pair(10, 0), Pair(11, 0)));
  some.take(11, nullptr);
  some.take(12, nullptr);
  EXPECT_THAT(seen(some),
              UnorderedElementsAre(Pair(10, 0), Pair(11, 1), Pair(12, 1)));
}

TEST_F(TextChoiceTest, CountsForEachPenaltyAndForNoneNothing) {
  EXPECT_THAT(seen(choice()), IsEmpty());
  request_.sampling.presence_penalty = 0.1f;
  EXPECT_EQ(seen(choice()).size(), 2u);
  request_.sampling.presence_penalty = 0;
  request_.sampling.frequency_penalty = -0.1f;
  EXPECT_EQ(seen(choice()).size(), 2u);
}

TEST_F(TextChoiceTest, DrawsByItsIndexAndByWhatItHasWritten) {
  request_.sampling.seed = 5;
  auto some = choice(2);
  EXPECT_EQ(some.sampling().choice, 2u);
  EXPECT_EQ(some.sampling().position, 0u);
  some.take(11, nullptr);
  EXPECT_EQ(some.sampling().position, 1u);
  EXPECT_EQ(some.sampling().seed, 5u);
}

TEST_F(TextChoiceTest, EndsAtItsLengthOrItsEnd) {
  auto some = choice();
  some.take(11, nullptr);
  some.take(11, nullptr);
  EXPECT_FALSE(some.ended());
  some.take(11, nullptr);
  EXPECT_EQ(some.finish_reason(), "length");
  auto other = choice();
  other.take(1500, nullptr);
  EXPECT_EQ(other.finish_reason(), "stop");
  EXPECT_EQ(other.generated(), 1);
}

TEST_F(TextChoiceTest, AnEndOnTheLastTokenIsAnEnd) {
  request_.max_tokens = 1;
  auto some = choice();
  some.take(1500, nullptr);
  EXPECT_EQ(some.finish_reason(), "stop");
}

}  // namespace
}  // namespace troupe
