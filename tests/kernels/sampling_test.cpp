// What is kept, in which order things are done, and that no token depends on
// its neighbours. How often tokens are drawn: sampling_draws_test.cpp.
#include "kernels/sampling.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "kernels/philox.hpp"
#include "kernels/token_choice.hpp"
#include "tests/kernels/sampling_checks.hpp"

namespace troupe::kernels {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

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

WeightsOf weights_at(IsaLevel isa) {
  return [isa](std::vector<float> logits, const SamplingRow& row) {
    adjust_logits(logits, row);
    TokenChoice choice{level_of(isa), logits};
    EXPECT_TRUE(choice.is_good());
    choice.filter(row);
    std::vector<float> weights;
    for (std::int32_t id = 0; id < std::ssize(logits); ++id)
      weights.push_back(choice.weight_of(id));
    return weights;
  };
}

TEST_P(SamplingLevels, KeepWhatASortedOracleKeeps) {
  const std::int64_t sizes[] = {3, 50, 1000, kManyTokens};
  for (const auto vocabulary : sizes)
    check_kept(vocabulary, weights_at(GetParam()));
}

TEST_P(SamplingLevels, KeepTiesAsTheOracleDoes) {
  check_kept_ties({7, 64, 5000}, {0, 1, 2, 6, 390, 2400, 4500},
                  weights_at(GetParam()));
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
  check_same_in_any_batch(alone.ctx, team.ctx, 9);
}

TEST_P(SamplingLevels, ChooseTheLikeliestAtTemperatureZeroTheLowestOfEquals) {
  TestDevice device{GetParam()};
  check_likeliest(device.ctx, 40'000);
}

TEST_P(SamplingLevels, PenaliseWhatIsLikeliestToo) {
  TestDevice device{GetParam()};
  check_penalises_the_likeliest(device.ctx);
}

TEST_P(SamplingLevels, NeverChoosePadding) {
  TestDevice device{GetParam()};
  check_no_padding(device.ctx, 50);
}

TEST_P(SamplingLevels, GiveNoTokenWhereALogitIsNoNumber) {
  TestDevice device{GetParam()};
  check_no_number(device.ctx);
}

TEST_P(SamplingLevels, StandExtremes) {
  TestDevice device{GetParam()};
  check_extremes(device.ctx);
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
