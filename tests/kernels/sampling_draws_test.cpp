// How often tokens are drawn, against the fp64 distribution: chi-squared over
// bins of at least ten expected draws, twenty seeds together.
#include <gtest/gtest.h>

#include "kernels/philox.hpp"
#include "kernels/token_choice.hpp"
#include "tests/kernels/chi_squared.hpp"
#include "tests/kernels/sampling_cases.hpp"

namespace troupe::kernels {
namespace {

constexpr std::uint64_t kSeeds = 20;
constexpr double kLeastP = 1e-3;

TEST(ChiSquaredTail, HasTheTablesValues) {
  EXPECT_NEAR(chi_squared_tail(3.841, 1), 0.05, 1e-4);
  EXPECT_NEAR(chi_squared_tail(13.816, 2), 0.001, 1e-5);
  EXPECT_NEAR(chi_squared_tail(18.307, 10), 0.05, 1e-4);
  EXPECT_NEAR(chi_squared_tail(1106.97, 1000), 0.01, 1e-4);
}

struct Draws {
  std::vector<std::int64_t> counts;
  std::vector<std::int64_t> biased;  // Of 100 draws one becomes the likeliest.
  std::vector<double> expected;
};

// The filters do not depend on what is drawn: once for all draws.
Draws draw(std::int64_t vocabulary, float spread, const SamplingRow& row,
           std::uint32_t per_seed) {
  SamplingCase some{some_logits(vocabulary, spread), 1};
  some.ways[0] = row;
  Draws draws;
  draws.expected = token_probabilities(some.args(), 0);
  draws.counts.resize(draws.expected.size());
  draws.biased.resize(draws.expected.size());
  const auto likeliest = std::ranges::max_element(draws.expected);
  adjust_logits(some.logits, row);
  TokenChoice choice{level_of(best_isa_level()), some.logits};
  choice.filter(row);
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed)
    for (std::uint32_t position = 0; position < per_seed; ++position) {
      auto token = static_cast<std::size_t>(
          choice.draw(token_uniform(seed, 0, position)));
      ++draws.counts[token];
      if (token_uniform(seed, 1, position) < 0.01)
        token = static_cast<std::size_t>(likeliest - draws.expected.begin());
      ++draws.biased[token];
    }
  return draws;
}

class SamplingDraws : public ::testing::TestWithParam<std::int64_t> {};

INSTANTIATE_TEST_SUITE_P(Vocabularies, SamplingDraws,
                         ::testing::Values(3, 50, 1000, 151'936),
                         ::testing::PrintToStringParamName());

TEST_P(SamplingDraws, FollowTheDistributionAndABiasOfOnePercentIsFound) {
  const std::uint32_t per_seed = GetParam() > 1000 ? 10'000 : 50'000;
  for (const auto spread : {kFlat, kPeaked / 3})
    for (const auto& way : ways()) {
      const auto draws = draw(GetParam(), spread, way.row, per_seed);
      EXPECT_GE(p_value(draws.counts, draws.expected), kLeastP)
          << way.name << ", spread " << spread;
      EXPECT_LT(p_value(draws.biased, draws.expected), kLeastP)
          << way.name << ", spread " << spread;
    }
}

TEST_P(SamplingDraws, FollowThePeakedDistribution) {
  const std::uint32_t per_seed = GetParam() > 1000 ? 10'000 : 50'000;
  for (const auto& way : ways()) {
    const auto draws = draw(GetParam(), kPeaked, way.row, per_seed);
    EXPECT_GE(p_value(draws.counts, draws.expected), kLeastP) << way.name;
  }
}

// The same through the op, in the first and the last slot of a batch.
TEST(SamplingOp, DrawsByTheDistributionInTheFirstAndTheLastSlot) {
  constexpr std::int64_t kRows = 7;
  constexpr std::uint32_t kDraws = 2'000;
  TestDevice device{best_isa_level(), 2};
  for (const auto& way : ways()) {
    SamplingCase some{some_logits(50, kPeaked / 3), kRows};
    std::vector<std::int64_t> first(50), last(50);
    for (std::uint64_t seed = 0; seed < kSeeds; ++seed)
      for (std::uint32_t position = 0; position < kDraws; ++position) {
        some.ways.front() = some.ways.back() = way.row;
        some.ways.front().seed = some.ways.back().seed = seed;
        some.ways.front().position = position;
        some.ways.back().position = kDraws + position;
        const auto tokens = some.sampled(device.ctx);
        ++first[static_cast<std::size_t>(tokens.front())];
        ++last[static_cast<std::size_t>(tokens.back())];
      }
    some.refill();
    const auto expected = token_probabilities(some.args(), 0);
    EXPECT_GE(p_value(first, expected), kLeastP) << way.name;
    EXPECT_GE(p_value(last, expected), kLeastP) << way.name;
  }
}

}  // namespace
}  // namespace troupe::kernels
