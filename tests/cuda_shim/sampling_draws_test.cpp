// How often the CUDA version draws a token, against the fp64 distribution. The
// filters do not depend on what is drawn: the op leaves the weights, and its
// own draw_index() draws from them many times in one launch.
#include <gtest/gtest.h>

#include "kernels/philox.hpp"
#include "kernels/sampling_select.cuh"
#include "test_device.hpp"
#include "tests/cuda_shim/shim/kernels/launch.cuh"
#include "tests/kernels/chi_squared.hpp"
#include "tests/kernels/sampling_cases.hpp"

namespace troupe::kernels {
namespace {

constexpr std::uint32_t kSeeds = 20;
constexpr double kLeastP = 1e-3;

// Where each part is a warp wide, every warp finds the index alike: one will
// do, which makes draws a thousand times as quick here.
__global__ void draws_kernel(std::int32_t* tokens, const float* weights,
                             int size, std::uint32_t per_seed) {
  auto& shared = shared_as<SelectShared>();
  const Parts parts{0, size};
  const auto sum = [&] {
    return sum_parts(shared, parts,
                     [&](int i) { return amount_of(weights[i]); });
  };
  auto all = sum();
  const bool one_will_do = parts.size == kWarp;
  if (one_will_do && threadIdx.x >= kWarp) return;
  for (std::uint32_t i = 0; i < kSeeds * per_seed; ++i) {
    const auto token = draw_index(shared, parts, weights, all,
                                  token_uniform(i / per_seed, 0, i % per_seed));
    if (threadIdx.x == 0) tokens[i] = token;
    if (!one_will_do) all = sum();
  }
}

struct Counts {
  std::vector<std::int64_t> drawn;
  std::vector<std::int64_t> biased;  // Of 100 draws one becomes the likeliest.
  std::vector<double> expected;
};

Counts draw(std::int64_t vocabulary, const SamplingRow& row,
            std::uint32_t per_seed) {
  CudaDevice device{Order::ascending};
  SamplingCase some{some_logits(vocabulary, kFlat), 1};
  some.ways[0] = row;
  Counts counts;
  counts.expected = token_probabilities(some.args(), 0);
  counts.drawn.resize(counts.expected.size());
  counts.biased.resize(counts.expected.size());
  some.sampled(device.ctx);
  std::vector<std::int32_t> tokens(kSeeds * per_seed, -1);
  launch(draws_kernel,
         {.name = "draws",
          .blocks = 1,
          .threads = kSelectThreads,
          .shared_bytes = sizeof(SelectShared)},
         tokens.data(), some.logits.data(), vocabulary, per_seed);
  const auto likeliest = std::ranges::max_element(counts.expected);
  for (std::uint32_t i = 0; i < tokens.size(); ++i) {
    auto token = static_cast<std::size_t>(tokens[i]);
    ++counts.drawn.at(token);
    if (token_uniform(i / per_seed, 1, i % per_seed) < 0.01)
      token = static_cast<std::size_t>(likeliest - counts.expected.begin());
    ++counts.biased.at(token);
  }
  return counts;
}

class CudaDraws : public ::testing::TestWithParam<std::int64_t> {};

INSTANTIATE_TEST_SUITE_P(Vocabularies, CudaDraws,
                         ::testing::Values(3, 50, 1000),
                         ::testing::PrintToStringParamName());

TEST_P(CudaDraws, FollowTheDistributionAndABiasOfOnePercentIsFound) {
  // Of few tokens the likeliest has so much that 1 % more is hard to see.
  const std::uint32_t per_seed = GetParam() == 3 ? 12'000 : 2'500;
  for (const auto& way : {ways().front(), ways().back()}) {
    const auto counts = draw(GetParam(), way.row, per_seed);
    EXPECT_GE(p_value(counts.drawn, counts.expected), kLeastP) << way.name;
    EXPECT_LT(p_value(counts.biased, counts.expected), kLeastP) << way.name;
  }
}

TEST(CudaDrawsOfMany, FollowTheDistribution) {
  for (const auto& way : {ways().front(), ways().back()}) {
    const auto counts = draw(kManyTokens, way.row, 15);
    EXPECT_GE(p_value(counts.drawn, counts.expected), kLeastP) << way.name;
  }
}

}  // namespace
}  // namespace troupe::kernels
