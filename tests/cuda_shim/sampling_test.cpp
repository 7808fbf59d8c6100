// Sampling on CUDA: what is kept, in which order things are done, which token
// is drawn. The op leaves the weights where the logits were: 0 is taken out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "test_device.hpp"
#include "tests/kernels/sampling_cases.hpp"

namespace troupe::kernels {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

std::vector<double> truth(std::vector<float> logits, SamplingRow row) {
  SamplingCase one{std::move(logits), 1};
  one.ways[0] = row;
  return token_probabilities(one.args(), 0);
}

std::vector<float> weights_of(CudaDevice& device,
                              const std::vector<float>& logits,
                              const SamplingRow& row) {
  SamplingCase one{logits, 1};
  one.ways[0] = row;
  one.sampled(device.ctx);
  return one.logits;
}

using CudaSampling = EachOrder;
TROUPE_EACH_ORDER(CudaSampling);

void keeps_what_the_oracle_keeps(CudaDevice& device, std::int64_t vocabulary) {
  constexpr float kNear = 1e-6f;  // Of a threshold either is right.
  for (const auto spread : {kFlat, kPeaked})
    for (const auto& way : ways()) {
      const auto logits = some_logits(vocabulary, spread);
      auto loose = way.row, tight = way.row;
      if (way.row.top_p < 1) loose.top_p += kNear, tight.top_p -= kNear;
      if (way.row.min_p > 0) loose.min_p -= kNear, tight.min_p += kNear;
      const auto at_most = truth(logits, loose);
      const auto at_least = truth(logits, tight);
      const auto expected = truth(logits, way.row);
      const auto weights = weights_of(device, logits, way.row);
      double all = 0;
      for (const float weight : weights) all += double{weight};
      std::int64_t wrong = 0, different = 0, compared = 0;
      for (std::size_t id = 0; id < expected.size(); ++id) {
        const double weight = double{weights[id]};
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

TEST_P(CudaSampling, KeepsWhatASortedOracleKeeps) {
  CudaDevice device{GetParam()};
  for (const std::int64_t vocabulary : {3, 50, 1000, 5000})
    keeps_what_the_oracle_keeps(device, vocabulary);
}

TEST(CudaSamplingOfMany, KeepsWhatASortedOracleKeeps) {
  CudaDevice device{Order::shuffled};
  keeps_what_the_oracle_keeps(device, 151'936);
}

TEST_P(CudaSampling, KeepsTiesAsTheOracleDoes) {
  CudaDevice device{GetParam()};
  std::vector<float> logits(5000);
  for (std::size_t i = 0; i < logits.size(); ++i)
    logits[i] = static_cast<float>(i * 7919 % 13) * (i % 2 ? 0.5f : -0.5f);
  for (const auto size : {7, 5000})
    for (const std::int32_t k : {0, 1, 6, 390, 4500})
      for (const auto p : {1.f, 0.999f, 0.5f, 0.01f}) {
        const SamplingRow row{.top_k = k, .top_p = p};
        const std::vector<float> some{logits.begin(), logits.begin() + size};
        const auto expected = truth(some, row);
        const auto actual = weights_of(device, some, row);
        std::int64_t wrong = 0;
        for (std::size_t id = 0; id < expected.size(); ++id)
          wrong += (actual[id] > 0) != (expected[id] > 0);
        EXPECT_EQ(wrong, 0) << size << ", k " << k << ", p " << p;
      }
}

TEST_P(CudaSampling, DrawsWhatTheReferenceDraws) {
  CudaDevice device{GetParam()};
  for (const auto& way : ways()) {
    SamplingCase some{some_logits(50, kPeaked), 20};
    for (std::uint32_t i = 0; i < 20; ++i) {
      some.ways[i] = way.row;
      some.ways[i].seed = i / 2;
      some.ways[i].choice = i % 2;
      some.ways[i].position = i % 5;
    }
    const auto expected = some.by_reference();
    EXPECT_EQ(some.sampled(device.ctx), expected) << way.name;
    EXPECT_THAT(expected, ::testing::Not(Each(expected[0]))) << way.name;
  }
}

TEST(CudaSamplingOfMany, DrawsWhatTheReferenceDraws) {
  CudaDevice device{Order::ascending};
  for (const auto spread : {kFlat, kPeaked})
    for (const auto& way : ways()) {
      SamplingCase some{some_logits(151'936, spread), 2};
      for (std::uint32_t i = 0; i < 2; ++i) {
        some.ways[i] = way.row;
        some.ways[i].seed = i;
      }
      const auto expected = some.by_reference();
      EXPECT_EQ(some.sampled(device.ctx), expected) << way.name;
    }
}

TEST_P(CudaSampling, DrawsTheSameInAnyBatchAndSlot) {
  CudaDevice device{GetParam()};
  for (const auto& way : ways()) {
    SamplingCase one{some_logits(1000, kPeaked), 1};
    one.ways[0] = way.row;
    one.ways[0].seed = 11;
    const auto token = one.sampled(device.ctx).at(0);
    SamplingCase batch{some_logits(1000, kPeaked), 5};
    for (std::uint32_t i = 0; i < 5; ++i) batch.ways[i].position = i;
    batch.ways.front() = batch.ways.back() = one.ways[0];
    const auto tokens = batch.sampled(device.ctx);
    EXPECT_EQ(tokens.front(), token) << way.name;
    EXPECT_EQ(tokens.back(), token) << way.name;
  }
}

TEST_P(CudaSampling, ChoosesTheLikeliestAtTemperatureZeroTheLowestOfEquals) {
  CudaDevice device{GetParam()};
  for (const std::int64_t vocabulary : {1, 2, 17, 50, 4000}) {
    SamplingCase some{some_logits(vocabulary, kPeaked), 1};
    some.ways[0].temperature = 0;
    const auto highest = std::ranges::max_element(some.one) - some.one.begin();
    EXPECT_EQ(some.sampled(device.ctx).at(0), highest);
    some.one.back() = some.one[static_cast<std::size_t>(highest)];
    EXPECT_EQ(some.sampled(device.ctx).at(0), highest);
  }
}

TEST_P(CudaSampling, PenalisesWhatIsLikeliestToo) {
  CudaDevice device{GetParam()};
  const std::vector<SeenToken> seen{{1, 1}};
  SamplingCase some{{1, 3, 2}, 1};
  some.ways[0] = {.temperature = 0,
                  .presence_penalty = 1.5f,
                  .seen = seen.data(),
                  .seen_count = 1};
  EXPECT_THAT(some.sampled(device.ctx), ElementsAre(2));
}

TEST_P(CudaSampling, NeverChoosesPadding) {
  CudaDevice device{GetParam()};
  SamplingCase some{{0, 1, 50, 60}, 2};
  some.ways[1].temperature = 0;
  auto args = some.args();
  args.vocabulary = 2;
  for (std::uint32_t position = 0; position < 20; ++position) {
    some.refill();
    some.ways[0].position = position;
    ASSERT_TRUE(sampling(device.ctx, args));
    EXPECT_LT(some.tokens[0], 2);
    EXPECT_EQ(some.tokens[1], 1);
  }
}

TEST_P(CudaSampling, GivesNoTokenWhereALogitIsNoNumber) {
  CudaDevice device{GetParam()};
  for (const auto broken : {std::numeric_limits<float>::quiet_NaN(),
                            std::numeric_limits<float>::infinity(),
                            -std::numeric_limits<float>::infinity()})
    for (const std::size_t where : {0, 37, 99}) {
      SamplingCase some{some_logits(100, kPeaked), 2};
      some.one[where] = broken;
      some.ways[0].temperature = 0;
      EXPECT_THAT(some.sampled(device.ctx), Each(kNoToken));
    }
}

TEST_P(CudaSampling, StandsExtremes) {
  CudaDevice device{GetParam()};
  SamplingCase some{{-3e38f, 0, 3e38f}, 4};
  some.ways[1].temperature = 1e-30f;
  some.ways[2].top_p = 1e-30f;
  some.ways[3].min_p = 1;
  EXPECT_THAT(some.sampled(device.ctx), Each(2));
}

}  // namespace
}  // namespace troupe::kernels
