// What is kept, in which order things are done, and that no token depends on
// its neighbours. How often tokens are drawn: sampling_draws_test.cpp.
#include "kernels/sampling.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "kernels/philox.hpp"
#include "kernels/token_choice.hpp"
#include "tests/kernels/sampling_cases.hpp"

namespace troupe::kernels {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<double> probabilities(std::vector<float> logits, SamplingRow row) {
  SamplingCase one{std::move(logits), 1};
  one.ways[0] = row;
  return token_probabilities(one.args(), 0);
}

std::vector<int> kept(const std::vector<double>& probabilities) {
  std::vector<int> ids;
  for (std::size_t id = 0; id < probabilities.size(); ++id)
    if (probabilities[id] > 0) ids.push_back(static_cast<int>(id));
  return ids;
}

// -- the truth, by hand -------------------------------------------------------

const float kLn2 = std::log(2.f);

TEST(SamplingReference, IsSoftmaxWhereNothingIsAsked) {
  const auto p = probabilities({0, kLn2, 2 * kLn2}, {});
  EXPECT_NEAR(p[0], 1.0 / 7, 1e-7);
  EXPECT_NEAR(p[1], 2.0 / 7, 1e-7);
  EXPECT_NEAR(p[2], 4.0 / 7, 1e-7);
}

TEST(SamplingReference, DividesByTheTemperature) {
  const auto p = probabilities({0, kLn2}, {.temperature = 0.5f});
  EXPECT_NEAR(p[1] / p[0], 4, 1e-6);
}

TEST(SamplingReference, KeepsWhateverEqualsTheKth) {
  EXPECT_THAT(kept(probabilities({1, 3, 2, 3, 2}, {.top_k = 3})),
              ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(kept(probabilities({1, 3, 2, 3, 2}, {.top_k = 2})),
              ElementsAre(1, 3));
}

TEST(SamplingReference, KeepsTheLikeliestUntilTheyHaveP) {
  // 1, 4, 2, 1 of 8.
  const std::vector<float> z{0, 2 * kLn2, kLn2, 0};
  EXPECT_THAT(kept(probabilities(z, {.top_p = 0.4f})), ElementsAre(1));
  EXPECT_THAT(kept(probabilities(z, {.top_p = 0.7f})), ElementsAre(1, 2));
  EXPECT_THAT(kept(probabilities(z, {.top_p = 0.8f})), ElementsAre(0, 1, 2));
  EXPECT_THAT(kept(probabilities(z, {.top_p = 0.9f})), ElementsAre(0, 1, 2, 3));
}

TEST(SamplingReference, AsksForPOfWhatTopKLeft) {
  // 4 and 3 of 7 are left of 4, 3, 3, 3; of 13 the first has less than 0.5.
  const std::vector<float> z{std::log(4.f), std::log(3.f), std::log(2.9f),
                             std::log(2.8f)};
  EXPECT_THAT(kept(probabilities(z, {.top_k = 2, .top_p = 0.5f})),
              ElementsAre(0));
  EXPECT_THAT(kept(probabilities(z, {.top_p = 0.5f})), ElementsAre(0, 1));
}

TEST(SamplingReference, MeasuresMinPAgainstTheLikeliest) {
  const std::vector<float> z{0, 2 * kLn2, kLn2};
  EXPECT_THAT(kept(probabilities(z, {.min_p = 0.4f})), ElementsAre(1, 2));
  EXPECT_THAT(kept(probabilities(z, {.min_p = 0.6f})), ElementsAre(1));
}

TEST(SamplingReference, PenalisesAfterTheBiasAndBeforeTheTemperature) {
  const SeenToken seen[] = {{0, 2}, {1, 0}};
  const TokenBias bias[] = {{0, 1.f}};
  const SamplingRow row{.temperature = 2,
                        .repetition_penalty = 2,
                        .presence_penalty = 0.25f,
                        .frequency_penalty = 0.5f,
                        .seen = seen,
                        .seen_count = 2,
                        .biases = bias,
                        .bias_count = 1};
  const auto p = probabilities({3, -1, 0}, row);
  // (3 + 1) / 2 - 2 * 0.5 - 0.25 = 0.75; -1 * 2 = -2, of the prompt only.
  EXPECT_NEAR(std::log(p[0] / p[2]), 0.75 / 2, 1e-6);
  EXPECT_NEAR(std::log(p[1] / p[2]), -2.0 / 2, 1e-6);
}

// -- the CPU version ----------------------------------------------------------

using SamplingLevels = EachLevel;
TROUPE_EACH_LEVEL(SamplingLevels);

struct Filtered {
  Filtered(IsaLevel isa, std::vector<float> row_logits, const SamplingRow& row)
      : logits{std::move(row_logits)} {
    adjust_logits(logits, row);
    choice = std::make_unique<TokenChoice>(level_of(isa), logits);
    EXPECT_TRUE(choice->is_good());
    choice->filter(row);
  }
  std::vector<float> logits;
  std::unique_ptr<TokenChoice> choice;
};

TEST_P(SamplingLevels, KeepWhatASortedOracleKeeps) {
  constexpr float kNear = 1e-6f;  // Of a threshold either is right.
  for (const std::int64_t vocabulary : {3, 50, 1000, 151'936})
    for (const auto spread : {kFlat, kPeaked})
      for (const auto& way : ways()) {
        const auto logits = some_logits(vocabulary, spread);
        auto loose = way.row, tight = way.row;
        if (way.row.top_p < 1) loose.top_p += kNear, tight.top_p -= kNear;
        if (way.row.min_p > 0) loose.min_p -= kNear, tight.min_p += kNear;
        const auto at_most = probabilities(logits, loose);
        const auto at_least = probabilities(logits, tight);
        const auto expected = probabilities(logits, way.row);
        const Filtered actual{GetParam(), logits, way.row};
        double all = 0;
        for (std::int32_t id = 0; id < vocabulary; ++id)
          all += double{actual.choice->weight_of(id)};
        std::int64_t wrong = 0, different = 0, compared = 0;
        for (std::size_t id = 0; id < expected.size(); ++id) {
          const double weight =
              actual.choice->weight_of(static_cast<std::int32_t>(id));
          wrong += (weight > 0 && at_most[id] == 0) ||
                   (weight == 0 && at_least[id] > 1e-30);
          if (weight == 0 || expected[id] == 0) continue;
          ++compared;
          different += std::abs(weight / all / expected[id] - 1) > 2e-5;
        }
        EXPECT_EQ(wrong, 0) << way.name << ", " << vocabulary << ", " << spread;
        EXPECT_EQ(different, 0) << way.name << ", " << vocabulary;
        EXPECT_GT(compared, 0);
      }
}

TEST_P(SamplingLevels, KeepTiesAsTheOracleDoes) {
  // Values from a few, so that every threshold falls among equals.
  std::vector<float> logits(5000);
  for (std::size_t i = 0; i < logits.size(); ++i)
    logits[i] = static_cast<float>(i * 7919 % 13) * (i % 2 ? 0.5f : -0.5f);
  for (const auto size : {7, 64, 5000})
    for (const std::int32_t k : {0, 1, 2, 6, 390, 2400, 4500})
      for (const auto p : {1.f, 0.999f, 0.5f, 0.01f}) {
        const SamplingRow row{.top_k = k, .top_p = p};
        const std::vector<float> some{logits.begin(), logits.begin() + size};
        const auto expected = probabilities(some, row);
        const Filtered actual{GetParam(), some, row};
        std::int64_t wrong = 0;
        for (std::int32_t id = 0; id < size; ++id)
          wrong += (actual.choice->weight_of(id) > 0) !=
                   (expected[static_cast<std::size_t>(id)] > 0);
        EXPECT_EQ(wrong, 0) << size << ", k " << k << ", p " << p;
      }
}

TEST_P(SamplingLevels, DrawWhatTheReferenceDraws) {
  TestDevice device{GetParam(), 2};
  for (const auto& way : ways()) {
    SamplingCase some{some_logits(50, kPeaked), 64};
    for (std::uint32_t i = 0; i < 64; ++i) {
      some.ways[i] = way.row;
      some.ways[i].seed = i / 16;
      some.ways[i].position = i % 16;
    }
    const auto expected = some.by_reference();
    EXPECT_EQ(some.sampled(device.ctx), expected) << way.name;
    // Not the same token every time, and none that nobody drew.
    EXPECT_THAT(expected, ::testing::Not(Each(expected[0]))) << way.name;
    EXPECT_THAT(expected,
                Each(::testing::AllOf(::testing::Ge(0), ::testing::Lt(50))));
  }
}

TEST_P(SamplingLevels, DrawTheSameInAnyBatchAndSlot) {
  TestDevice alone{GetParam()}, team{GetParam(), 3};
  for (const auto& way : ways()) {
    SamplingCase one{some_logits(1000, kPeaked), 1};
    one.ways[0] = way.row;
    one.ways[0].seed = 11;
    const auto token = one.sampled(alone.ctx).at(0);
    SamplingCase batch{some_logits(1000, kPeaked), 9};
    for (std::uint32_t i = 0; i < 9; ++i) batch.ways[i].position = i;
    batch.ways.front() = batch.ways.back() = one.ways[0];
    const auto tokens = batch.sampled(team.ctx);
    EXPECT_EQ(tokens.front(), token) << way.name;
    EXPECT_EQ(tokens.back(), token) << way.name;
  }
}

TEST_P(SamplingLevels, ChooseTheLikeliestAtTemperatureZeroTheLowestOfEquals) {
  TestDevice device{GetParam()};
  for (const std::int64_t vocabulary : {1, 2, 17, 50, 40'000}) {
    SamplingCase some{some_logits(vocabulary, kPeaked), 1};
    some.ways[0].temperature = 0;
    const auto highest = static_cast<std::size_t>(
        std::ranges::max_element(some.one) - some.one.begin());
    EXPECT_EQ(some.sampled(device.ctx).at(0),
              std::ssize(some.one) == 1 ? 0 : std::int64_t(highest));
    some.one.back() = some.one[highest];
    EXPECT_EQ(some.sampled(device.ctx).at(0), std::int64_t(highest));
    EXPECT_EQ(some.by_reference().at(0), std::int64_t(highest));
  }
}

TEST_P(SamplingLevels, PenaliseWhatIsLikeliestToo) {
  TestDevice device{GetParam()};
  const SeenToken seen[] = {{1, 1}};
  SamplingCase some{{1, 3, 2}, 1};
  some.ways[0] = {.temperature = 0,
                  .presence_penalty = 1.5f,
                  .seen = seen,
                  .seen_count = 1};
  EXPECT_THAT(some.sampled(device.ctx), ElementsAre(2));
}

TEST_P(SamplingLevels, NeverChoosePadding) {
  TestDevice device{GetParam()};
  SamplingCase some{{0, 1, 50, 60}, 2};
  some.ways[1].temperature = 0;
  auto args = some.args();
  args.vocabulary = 2;
  for (std::uint32_t position = 0; position < 50; ++position) {
    some.refill();
    some.ways[0].position = position;
    ASSERT_TRUE(sampling(device.ctx, args));
    EXPECT_LT(some.tokens[0], 2);
    EXPECT_EQ(some.tokens[1], 1);
  }
}

TEST_P(SamplingLevels, GiveNoTokenWhereALogitIsNoNumber) {
  TestDevice device{GetParam()};
  for (const auto broken : {std::numeric_limits<float>::quiet_NaN(),
                            std::numeric_limits<float>::infinity(),
                            -std::numeric_limits<float>::infinity()})
    for (const std::size_t where : {0, 37, 99}) {
      SamplingCase some{some_logits(100, kPeaked), 2};
      some.one[where] = broken;
      some.ways[0].temperature = 0;
      EXPECT_THAT(some.sampled(device.ctx), Each(kNoToken));
      EXPECT_THAT(some.by_reference(), Each(kNoToken));
    }
}

TEST_P(SamplingLevels, StandExtremes) {
  TestDevice device{GetParam()};
  SamplingCase some{{-3e38f, 0, 3e38f}, 4};
  some.ways[1].temperature = 1e-30f;
  some.ways[2].top_p = 1e-30f;
  some.ways[3].min_p = 1;
  EXPECT_THAT(some.sampled(device.ctx), Each(2));
}

// -- what it refuses ----------------------------------------------------------

TEST(SamplingSupports, NamesWhatCameAndWhatIsKnown) {
  Context cpu;
  SamplingCase some{{1, 2, 3}, 2};
  auto args = some.args();
  args.vocabulary = 4;
  const auto more = sampling(cpu, args);
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().code, Errc::invalid_argument);
  EXPECT_THAT(more.error().message, HasSubstr("it is 4"));
  args.vocabulary = 0;
  EXPECT_FALSE(sampling(cpu, args));
  args.vocabulary = 3;
  EXPECT_TRUE(sampling(cpu, args));
  args.tokens.dtype = DType::f32;
  EXPECT_FALSE(sampling(cpu, args));
}

}  // namespace
}  // namespace troupe::kernels
