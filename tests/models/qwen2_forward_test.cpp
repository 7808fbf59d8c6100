// The forward pass against transformers in fp32, layer by layer, and against
// itself in other batches, chunks and teams: bit for bit.
#include "models/qwen2/forward.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <limits>
#include <tuple>

#include "tests/models/closeness.hpp"
#include "tests/models/qwen2_golden.hpp"

namespace troupe {
namespace {

using ::testing::HasSubstr;

// Of a block's output; between two fp32 implementations it is some 1e-6.
constexpr double kBlockBar = 1e-5;

using Case = std::tuple<const char*, IsaLevel>;

class Qwen2ForwardTest : public ::testing::TestWithParam<Case> {
 protected:
  Qwen2Bench bench(int threads = 1) {
    return {golden_.weights, std::get<IsaLevel>(GetParam()), threads};
  }

  GoldenQwen2 golden_{std::get<const char*>(GetParam())};
};

INSTANTIATE_TEST_SUITE_P(
    Models, Qwen2ForwardTest,
    ::testing::Combine(::testing::Values("gqa_tied", "mha_untied",
                                         "head128_sharded"),
                       ::testing::ValuesIn(isa_levels_here())),
    [](const ::testing::TestParamInfo<Case>& info) {
      return std::string(std::get<const char*>(info.param)) + "_" +
             std::string(to_string(std::get<IsaLevel>(info.param)));
    });

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && !a.empty() &&
         std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

TEST_P(Qwen2ForwardTest, EqualsTransformersBlockByBlock) {
  auto model = bench();
  std::vector<std::vector<float>> blocks;
  model.observer = [&](std::int64_t layer, std::span<const float> hidden) {
    EXPECT_EQ(layer, std::ssize(blocks));
    blocks.emplace_back(hidden.begin(), hidden.end());
  };
  const auto logits = model.prefill(model.open(), golden_.prompt, 64);
  ASSERT_EQ(std::ssize(blocks), golden_.weights.config.layers);
  auto input = golden_.embedded(golden_.prompt);
  const auto expect_near = [&](const std::vector<float>& actual,
                               const std::string& name) {
    const auto expected = golden_.expected(name);
    EXPECT_LE(relative_error(actual, expected), kBlockBar) << name;
    EXPECT_TRUE(tells_apart(expected, input, [&](const auto& other) {
      return relative_error(other, expected) <= 0.01;
    })) << name;
    input = actual;
  };
  for (std::size_t i = 0; i < blocks.size(); ++i)
    expect_near(blocks[i], "block." + std::to_string(i));
  expect_near(logits, "logits");
}

TEST_P(Qwen2ForwardTest, ChoosesTheTokensOfTransformers) {
  auto model = bench(2);
  const auto sequence = model.open();
  auto token = model.best(model.prefill(sequence, golden_.prompt, 16));
  std::vector<TokenId> tokens{token};
  while (tokens.size() < 256) {
    const auto position = golden_.prompt.size() + tokens.size() - 1;
    token =
        model.best(model.step({Qwen2Bench::row(sequence, position, token)}));
    tokens.push_back(token);
  }
  ASSERT_EQ(golden_.greedy.size(), 256u);
  EXPECT_EQ(tokens, golden_.greedy);
}

TEST_P(Qwen2ForwardTest, GivesTheSameBytesInAnyChunkAndTeam) {
  auto model = bench();
  const auto whole = model.prefill(model.open(), golden_.prompt, 64);
  for (const std::size_t chunk : {1, 3, 16, 17}) {
    auto other = bench(static_cast<int>(1 + chunk % 3));
    EXPECT_TRUE(
        same_bits(whole, other.prefill(other.open(), golden_.prompt, chunk)))
        << "chunks of " << chunk;
  }
}

TEST_P(Qwen2ForwardTest, GivesTheSameBytesInAnyBatch) {
  auto reversed = golden_.prompt;
  std::ranges::reverse(reversed);
  reversed.resize(29);
  auto alone = bench();
  const auto first = alone.prefill(alone.open(), golden_.prompt, 64);
  const auto second = alone.prefill(alone.open(), reversed, 64);

  // The second sequence decodes token by token while the first is prefilled in
  // chunks of three.
  auto batched = bench(2);
  const auto a = batched.open(), b = batched.open();
  const auto width = golden_.weights.config.vocabulary_rows;
  std::vector<float> first_again, second_again;
  std::size_t at_a = 0, at_b = 0;
  while (at_a < golden_.prompt.size() || at_b < reversed.size()) {
    std::vector<StepRow> rows;
    if (at_b < reversed.size()) {
      rows.push_back(Qwen2Bench::row(b, at_b, reversed[at_b]));
      ++at_b;
    }
    const auto decoding = std::ssize(rows);
    for (int i = 0; i < 3 && at_a < golden_.prompt.size(); ++i, ++at_a)
      rows.push_back(Qwen2Bench::row(a, at_a, golden_.prompt[at_a]));
    const auto logits = batched.step(rows);
    const auto cut = logits.begin() + decoding * width;
    second_again.insert(second_again.end(), logits.begin(), cut);
    first_again.insert(first_again.end(), cut, logits.end());
  }
  EXPECT_TRUE(same_bits(first, first_again));
  EXPECT_TRUE(same_bits(second, second_again));
}

TEST_P(Qwen2ForwardTest, GivesLogitsOnlyToRowsThatWantThem) {
  auto model = bench();
  const auto all = model.prefill(model.open(), golden_.prompt, 64);
  const auto sequence = model.open();
  std::vector<StepRow> rows;
  for (std::size_t i = 0; i < golden_.prompt.size(); ++i) {
    rows.push_back(Qwen2Bench::row(sequence, i, golden_.prompt[i]));
    rows.back().wants_logits = i == 7 || i + 1 == golden_.prompt.size();
  }
  const auto some = model.step(rows);
  const auto width =
      static_cast<std::size_t>(golden_.weights.config.vocabulary_rows);
  ASSERT_EQ(some.size(), 2 * width);
  const auto row_of = [&](std::size_t row) {
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(row * width);
    return std::vector<float>(begin,
                              begin + static_cast<std::ptrdiff_t>(width));
  };
  auto wanted = row_of(7);
  const auto last = row_of(golden_.prompt.size() - 1);
  wanted.insert(wanted.end(), last.begin(), last.end());
  EXPECT_TRUE(same_bits(some, wanted));
}

TEST_P(Qwen2ForwardTest, MayBeStoppedAndMadeAgain) {
  auto model = bench();
  const auto undisturbed = model.prefill(model.open(), golden_.prompt, 64);
  const auto sequence = model.open();
  std::vector<StepRow> rows;
  for (std::size_t i = 0; i < golden_.prompt.size(); ++i)
    rows.push_back(Qwen2Bench::row(sequence, i, golden_.prompt[i]));
  std::atomic<bool> stop{false};
  model.context().stop = &stop;
  model.observer = [&](std::int64_t, std::span<const float>) { stop = true; };
  const auto stopped = model.try_step(rows);
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, Errc::cancelled);
  EXPECT_EQ(model.cache().length(sequence), 0);
  stop = false;
  model.observer = {};
  EXPECT_TRUE(same_bits(undisturbed, model.step(rows)));
  EXPECT_EQ(model.cache().length(sequence), std::ssize(golden_.prompt));
}

TEST_P(Qwen2ForwardTest, RefusesRowsThatFitNoSequence) {
  auto model = bench();
  const auto sequence = model.open();
  const auto why = [&](const StepRow& row) {
    const auto step = model.try_step({row});
    return step ? std::string{"done"} : step.error().message;
  };
  const auto rows =
      static_cast<TokenId>(golden_.weights.config.vocabulary_rows);
  EXPECT_THAT(why(Qwen2Bench::row(sequence, 0, rows)),
              HasSubstr("row 0 of a step: token"));
  EXPECT_THAT(why(Qwen2Bench::row(sequence, 0, -1)), HasSubstr("token -1"));
  EXPECT_THAT(why(Qwen2Bench::row(3, 0, 1)), HasSubstr("is not open"));
  EXPECT_THAT(why(Qwen2Bench::row(sequence, 1, 1)),
              HasSubstr("position 1; the sequence goes on at 0"));
  const auto twice = Qwen2Bench::row(sequence, 0, 1);
  EXPECT_FALSE(model.try_step({twice, twice}));
  model.cache().set_length(sequence, 320);
  EXPECT_THAT(why(Qwen2Bench::row(sequence, 320, 1)),
              HasSubstr("has room for 320"));
  const auto many = model.try_step(std::vector<StepRow>(65, twice));
  ASSERT_FALSE(many);
  EXPECT_EQ(many.error().code, Errc::too_large);
}

}  // namespace
}  // namespace troupe
