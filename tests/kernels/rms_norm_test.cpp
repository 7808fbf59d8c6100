#include "kernels/rms_norm.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/kernels/plain_cases.hpp"

namespace troupe::kernels {
namespace {

TEST(RmsNormReference, MatchesAHandComputedRow) {
  std::vector<float> x{3, 4}, w{1, 2}, y(2);
  RmsNorm::reference({.y = matrix_ref(y.data(), 1, 2),
                      .x = matrix_ref(x.data(), 1, 2),
                      .w = vector_ref(w.data(), 2),
                      .eps = 1e-12f});
  const float rms = std::sqrt(12.5f);
  EXPECT_FLOAT_EQ(y[0], 3 / rms);
  EXPECT_FLOAT_EQ(y[1], 8 / rms);
}

TEST(RmsNormReference, AddsToTheResidualFirst) {
  std::vector<float> x{1, 3}, w{1, 1}, y(2), residual{2, 1};
  RmsNorm::reference({.y = matrix_ref(y.data(), 1, 2),
                      .x = matrix_ref(x.data(), 1, 2),
                      .w = vector_ref(w.data(), 2),
                      .eps = 1e-12f,
                      .residual = matrix_ref(residual.data(), 1, 2)});
  EXPECT_EQ(residual, (std::vector<float>{3, 4}));
  EXPECT_FLOAT_EQ(y[0], 3 / std::sqrt(12.5f));
}

using RmsNormLevels = EachLevel;
TROUPE_EACH_LEVEL(RmsNormLevels);

TEST_P(RmsNormLevels, EqualTheReference) {
  for (const auto rows : {0, 1, 2, 5})
    for (const auto dim : {1, 2, 15, 16, 17, 64, 100, 896}) {
      TestDevice device{GetParam(), 2};
      RmsNormCase actual{rows, dim}, expected{rows, dim};
      ASSERT_TRUE(rms_norm(device.ctx, actual.args));
      RmsNorm::reference(expected.args);
      EXPECT_TRUE(computed(actual.y, expected.y, actual.x, kNormAllowed))
          << rows << " x " << dim;
    }
}

TEST_P(RmsNormLevels, EqualTheReferenceWithAResidual) {
  for (const auto dim : {1, 17, 896}) {
    TestDevice device{GetParam()};
    RmsNormCase actual{3, dim}, expected{3, dim};
    const auto before = actual.residual;
    actual.args.residual = matrix_ref(actual.residual.data(), 3, dim);
    expected.args.residual = matrix_ref(expected.residual.data(), 3, dim);
    ASSERT_TRUE(rms_norm(device.ctx, actual.args));
    RmsNorm::reference(expected.args);
    EXPECT_TRUE(computed(actual.y, expected.y, actual.x, kNormAllowed)) << dim;
    EXPECT_TRUE(computed(actual.residual, expected.residual, before, {}))
        << dim;
  }
}

TEST_P(RmsNormLevels, AddEpsilonToTheMean) {
  TestDevice device{GetParam()};
  RmsNormCase actual{2, 33}, expected{2, 33};
  actual.args.eps = expected.args.eps = 0.5f;
  ASSERT_TRUE(rms_norm(device.ctx, actual.args));
  RmsNorm::reference(expected.args);
  EXPECT_TRUE(computed(actual.y, expected.y, actual.x, kNormAllowed));
}

TEST_P(RmsNormLevels, MayRunInPlace) {
  TestDevice device{GetParam()};
  RmsNormCase apart{3, 31};
  ASSERT_TRUE(rms_norm(device.ctx, apart.args));
  const auto input = apart.x;
  apart.args.y = apart.args.x;
  ASSERT_TRUE(rms_norm(device.ctx, apart.args));
  EXPECT_TRUE(computed_alike(apart.x, apart.y, input));
}

TEST_P(RmsNormLevels, GiveARowTheSameBytesInAnyBatchAndTeam) {
  TestDevice one{GetParam(), 1}, three{GetParam(), 3};
  RmsNormCase all{7, 100}, alone{7, 100};
  ASSERT_TRUE(rms_norm(three.ctx, all.args));
  for (std::int64_t row = 0; row < 7; ++row) {
    auto args = alone.args;
    args.y = matrix_ref(alone.y.data() + row * 100, 1, 100);
    args.x = matrix_ref(alone.x.data() + row * 100, 1, 100);
    ASSERT_TRUE(rms_norm(one.ctx, args));
  }
  EXPECT_TRUE(computed_alike(all.y, alone.y, all.x));
}

TEST_P(RmsNormLevels, LetNotANumberThrough) {
  TestDevice device{GetParam()};
  RmsNormCase some{1, 40};
  some.x[33] = NAN;
  ASSERT_TRUE(rms_norm(device.ctx, some.args));
  EXPECT_TRUE(std::isnan(some.y[0]));
}

// -- what it refuses: shapes come from a user's config.json -------------------

RmsNorm::Args shaped(std::int64_t rows, std::int64_t dim) {
  const float* none = nullptr;
  return {.y = matrix_ref(none, rows, dim),
          .x = matrix_ref(none, rows, dim),
          .w = vector_ref(none, dim),
          .eps = 1e-6f};
}

TEST(RmsNormSupports, TheLimitsAndNotOnePast) {
  EXPECT_TRUE(RmsNorm::supports({}, shaped(0, 1)));
  EXPECT_TRUE(RmsNorm::supports({}, shaped(1, 1 << 20)));
  EXPECT_FALSE(RmsNorm::supports({}, shaped(-1, 8)));
  EXPECT_FALSE(RmsNorm::supports({}, shaped(1, 0)));
  EXPECT_FALSE(RmsNorm::supports({}, shaped(1, (1 << 20) + 1)));
  auto no_eps = shaped(1, 8);
  no_eps.eps = 0;
  EXPECT_FALSE(RmsNorm::supports({}, no_eps));
}

TEST(RmsNormSupports, ARefusalNamesWhatCameAndWhatIsKnown) {
  Context cpu;
  auto args = shaped(1, 8);
  args.w.dtype = DType::bf16;
  const auto ran = rms_norm(cpu, args);
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().code, Errc::invalid_argument);
  EXPECT_THAT(ran.error().message,
              ::testing::AllOf(::testing::HasSubstr("w bf16 [8]"),
                               ::testing::HasSubstr("known: f32")));
}

}  // namespace
}  // namespace troupe::kernels
