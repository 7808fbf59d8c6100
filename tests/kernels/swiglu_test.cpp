#include "kernels/swiglu.hpp"

#include <gtest/gtest.h>

#include "tests/kernels/support.hpp"

namespace troupe::kernels {
namespace {

// An exponential within 2 ulp, a division and a product.
constexpr Tolerance kSwigluAllowed{1e-37, 1e-6};

struct SwigluCase {
  SwigluCase(std::int64_t rows, std::int64_t dim)
      : gate{random_values(rows * dim, 1)},
        up{random_values(rows * dim, 2)},
        y(gate.size()),
        args{.y = matrix_ref(y.data(), rows, dim),
             .gate = matrix_ref(gate.data(), rows, dim),
             .up = matrix_ref(up.data(), rows, dim)} {
    for (auto& value : gate) value *= 8;  // Where silu bends and where not.
  }

  std::vector<float> gate, up, y;
  SwiGlu::Args args;
};

TEST(SwiGluReference, MatchesHandComputedValues) {
  SwigluCase some{1, 3};
  some.gate = {0, 1, -2};
  some.up = {5, 2, 3};
  SwiGlu::reference(some.args);
  EXPECT_EQ(some.y[0], 0);
  EXPECT_FLOAT_EQ(some.y[1], 2 * 0.7310586f);
  EXPECT_FLOAT_EQ(some.y[2], 3 * -0.23840584f);
}

using SwiGluLevels = EachLevel;
TROUPE_EACH_LEVEL(SwiGluLevels);

TEST_P(SwiGluLevels, EqualTheReference) {
  const std::int64_t shapes[][2] = {{0, 4},  {1, 1},   {1, 15},   {1, 16},
                                    {3, 17}, {5, 333}, {3, 4096}, {2, 4097}};
  for (const auto& [rows, dim] : shapes) {
    TestDevice device{GetParam(), 2};
    SwigluCase actual{rows, dim}, expected{rows, dim};
    ASSERT_TRUE(swiglu(device.ctx, actual.args));
    SwiGlu::reference(expected.args);
    EXPECT_TRUE(computed(actual.y, expected.y, actual.gate, kSwigluAllowed));
    EXPECT_TRUE(computed(actual.y, expected.y, actual.up, kSwigluAllowed));
  }
}

TEST_P(SwiGluLevels, HoldAtTheEndsOfTheRange) {
  TestDevice device{GetParam()};
  SwigluCase some{1, 6};
  some.gate = {100, -100, 1e30f, -1e30f, NAN, 3};
  some.up = {2, 2, 2, 2, 2, NAN};
  ASSERT_TRUE(swiglu(device.ctx, some.args));
  EXPECT_FLOAT_EQ(some.y[0], 200);
  EXPECT_NEAR(some.y[1], 0, 1e-30);
  EXPECT_FLOAT_EQ(some.y[2], 2e30f);
  EXPECT_LE(std::abs(some.y[3]), 1e-7f);
  EXPECT_TRUE(std::isnan(some.y[4]));
  EXPECT_TRUE(std::isnan(some.y[5]));
}

TEST_P(SwiGluLevels, MayRunInPlaceAndInParts) {
  TestDevice one{GetParam(), 1}, two{GetParam(), 2};
  SwigluCase apart{7, 1234}, in_place{7, 1234};
  ASSERT_TRUE(swiglu(two.ctx, apart.args));
  for (std::int64_t row = 0; row < 7; ++row) {
    const auto at = [row](const TensorRef& t) {
      return matrix_ref(data_of<float>(t) + row * 1234, 1, 1234);
    };
    ASSERT_TRUE(swiglu(one.ctx, {.y = at(in_place.args.gate),
                                 .gate = at(in_place.args.gate),
                                 .up = at(in_place.args.up)}));
  }
  EXPECT_TRUE(same_bits(apart.y, in_place.gate));
}

TEST(SwiGluSupports, NoOtherShapes) {
  SwigluCase some{2, 3};
  EXPECT_TRUE(SwiGlu::supports({}, some.args));
  some.args.up.shape[0] = 3;
  EXPECT_FALSE(SwiGlu::supports({}, some.args));
}

}  // namespace
}  // namespace troupe::kernels
