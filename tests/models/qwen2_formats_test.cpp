// The forward pass with weights of fewer bits: near what transformers computes
// in fp32, and the same bytes in any chunk and team.
#include <gtest/gtest.h>

#include <cstring>
#include <tuple>

#include "tests/models/qwen2_golden.hpp"

namespace troupe {
namespace {

using kernels::WeightFormat;
using FormatCase = std::tuple<const char*, IsaLevel, WeightFormat>;

double cosine(const std::vector<float>& a, const std::vector<float>& b) {
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += double{a[i]} * b[i];
    aa += double{a[i]} * a[i];
    bb += double{b[i]} * b[i];
  }
  return ab / std::sqrt(aa * bb);
}

/// Mean over the rows of sum p (log p - log q), p: `exact`.
double divergence(const std::vector<float>& exact, const std::vector<float>& q,
                  std::size_t width) {
  double all = 0;
  const auto log_sum = [&](const float* x) {
    const double most = *std::max_element(x, x + width);
    double sum = 0;
    for (std::size_t i = 0; i < width; ++i) sum += std::exp(x[i] - most);
    return most + std::log(sum);
  };
  for (std::size_t at = 0; at < exact.size(); at += width) {
    const double of_p = log_sum(&exact[at]), of_q = log_sum(&q[at]);
    for (std::size_t i = at; i < at + width; ++i)
      all += std::exp(exact[i] - of_p) * ((exact[i] - of_p) - (q[i] - of_q));
  }
  return all / static_cast<double>(exact.size() / width);
}

class Qwen2FormatsTest : public ::testing::TestWithParam<FormatCase> {
 protected:
  Qwen2Bench bench(int threads = 1) {
    return {golden_.weights, std::get<IsaLevel>(GetParam()), threads};
  }
  WeightFormat format() const { return std::get<WeightFormat>(GetParam()); }

  GoldenQwen2 golden_{std::get<const char*>(GetParam()),
                      std::get<WeightFormat>(GetParam())};
};

INSTANTIATE_TEST_SUITE_P(
    Models, Qwen2FormatsTest,
    ::testing::Combine(::testing::Values("gqa_tied", "mha_untied",
                                         "head128_sharded"),
                       ::testing::ValuesIn(isa_levels_here()),
                       ::testing::Values(WeightFormat::bf16, WeightFormat::int8,
                                         WeightFormat::int4)),
    [](const ::testing::TestParamInfo<FormatCase>& info) {
      return std::string(std::get<const char*>(info.param)) + "_" +
             std::string(to_string(std::get<IsaLevel>(info.param))) + "_" +
             std::string(to_string(std::get<WeightFormat>(info.param)));
    });

// What a format's rounding may cost on models of noise, whose layers are as
// sensitive as any; bf16's are bars, the integers' what they were found to be
// and a third more.
struct Bars {
  double cosine;
  double divergence;
};

Bars bars_of(WeightFormat format) {
  if (format == WeightFormat::bf16) return {0.9995, 1e-3};
  if (format == WeightFormat::int8) return {0.9990, 2e-3};
  return {0.95, 0.1};
}

TEST_P(Qwen2FormatsTest, StayNearTransformersBlockByBlock) {
  auto model = bench();
  std::vector<std::vector<float>> blocks;
  model.observer = [&](std::int64_t, std::span<const float> hidden) {
    blocks.emplace_back(hidden.begin(), hidden.end());
  };
  const auto logits = model.prefill(model.open(), golden_.prompt, 64);
  ASSERT_EQ(std::ssize(blocks), golden_.weights.config.layers);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const auto expected = golden_.expected("block." + std::to_string(i));
    EXPECT_GE(cosine(blocks[i], expected), bars_of(format()).cosine) << i;
    EXPECT_LT(cosine(blocks[i], expected), 1.0 - 1e-12) << "nothing rounded";
  }
  const auto width =
      static_cast<std::size_t>(golden_.weights.config.vocabulary_rows);
  const auto exact = golden_.expected("logits");
  EXPECT_LE(divergence(exact, logits, width), bars_of(format()).divergence);
  EXPECT_GT(divergence(exact, std::vector<float>(exact.size()), width),
            bars_of(format()).divergence)
      << "zeros would pass";
}

TEST_P(Qwen2FormatsTest, GiveTheSameBytesInAnyChunkAndTeam) {
  auto model = bench();
  const auto whole = model.prefill(model.open(), golden_.prompt, 64);
  for (const std::size_t chunk : {1, 3, 17}) {
    auto other = bench(static_cast<int>(1 + chunk % 3));
    const auto again = other.prefill(other.open(), golden_.prompt, chunk);
    ASSERT_EQ(whole.size(), again.size());
    EXPECT_EQ(
        std::memcmp(whole.data(), again.data(), whole.size() * sizeof(float)),
        0)
        << "chunks of " << chunk;
  }
}

}  // namespace
}  // namespace troupe
