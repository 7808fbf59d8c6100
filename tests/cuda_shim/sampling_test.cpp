// Sampling on CUDA: what is kept, in which order things are done, which token
// is drawn. The op leaves the weights where the logits were: 0 is taken out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test_device.hpp"
#include "tests/kernels/sampling_checks.hpp"

namespace troupe::kernels {
namespace {

using ::testing::Each;

WeightsOf weights_on(CudaDevice& device) {
  return [&device](const std::vector<float>& logits, const SamplingRow& row) {
    SamplingCase one{logits, 1};
    one.ways[0] = row;
    one.sampled(device.ctx);
    return one.logits;
  };
}

using CudaSampling = EachOrder;
TROUPE_EACH_ORDER(CudaSampling);

TEST_P(CudaSampling, KeepsWhatASortedOracleKeeps) {
  CudaDevice device{GetParam()};
  for (const std::int64_t vocabulary : {3, 50, 1000, 5000})
    check_kept(vocabulary, weights_on(device));
}

TEST(CudaSamplingOfMany, KeepsWhatASortedOracleKeeps) {
  CudaDevice device{Order::shuffled};
  check_kept(kManyTokens, weights_on(device));
}

TEST_P(CudaSampling, KeepsTiesAsTheOracleDoes) {
  CudaDevice device{GetParam()};
  check_kept_ties({7, 5000}, {0, 1, 6, 390, 4500}, weights_on(device));
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
      SamplingCase some{some_logits(kManyTokens, spread), 2};
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
  check_same_in_any_batch(device.ctx, device.ctx, 5);
}

TEST_P(CudaSampling, ChoosesTheLikeliestAtTemperatureZeroTheLowestOfEquals) {
  CudaDevice device{GetParam()};
  check_likeliest(device.ctx, 4000);
}

TEST_P(CudaSampling, PenalisesWhatIsLikeliestToo) {
  CudaDevice device{GetParam()};
  check_penalises_the_likeliest(device.ctx);
}

TEST_P(CudaSampling, NeverChoosesPadding) {
  CudaDevice device{GetParam()};
  check_no_padding(device.ctx, 20);
}

TEST_P(CudaSampling, GivesNoTokenWhereALogitIsNoNumber) {
  CudaDevice device{GetParam()};
  check_no_number(device.ctx);
}

TEST_P(CudaSampling, StandsExtremes) {
  CudaDevice device{GetParam()};
  check_extremes(device.ctx);
}

}  // namespace
}  // namespace troupe::kernels
