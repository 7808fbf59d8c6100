#include "kernels/swiglu.hpp"

#include <gtest/gtest.h>

#include "tests/kernels/plain_cases.hpp"

namespace troupe::kernels {
namespace {

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
  some.fill_with_ends();
  ASSERT_TRUE(swiglu(device.ctx, some.args));
  some.check_ends();
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
  EXPECT_TRUE(computed_alike(apart.y, in_place.gate, apart.gate));
  EXPECT_TRUE(computed_alike(apart.y, in_place.gate, apart.up));
}

TEST(SwiGluSupports, NoOtherShapes) {
  SwigluCase some{2, 3};
  EXPECT_TRUE(SwiGlu::supports({}, some.args));
  some.args.up.shape[0] = 3;
  EXPECT_FALSE(SwiGlu::supports({}, some.args));
}

}  // namespace
}  // namespace troupe::kernels
