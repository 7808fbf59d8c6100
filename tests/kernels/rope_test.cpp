#include "kernels/rope.hpp"

#include <gtest/gtest.h>

#include "tests/kernels/plain_cases.hpp"

namespace troupe::kernels {
namespace {

TEST(RopeTableReference, MatchesHandComputedAngles) {
  RopeCase some{{0, 3}, 1, 2};
  RopeTable::reference(some.table(100));
  // theta^0 and theta^(-1/2): 1 and 0.1.
  EXPECT_EQ(some.cos[0], 1);
  EXPECT_EQ(some.sin[1], 0);
  EXPECT_FLOAT_EQ(some.cos[2], std::cos(3.f));
  EXPECT_FLOAT_EQ(some.sin[2], std::sin(3.f));
  EXPECT_FLOAT_EQ(some.cos[3], std::cos(0.3f));
  EXPECT_FLOAT_EQ(some.sin[3], std::sin(0.3f));
}

TEST(RopeReference, TurnsPairsThatLieHalfAHeadApart) {
  RopeCase some{{0}, 2, 2};
  some.cos = {0, 0.6f};
  some.sin = {1, 0.8f};
  some.x = {1, 10, 2, 20, 3, 0, 4, 5};
  Rope::reference(some.args());
  const std::vector<float> turned{-2, -10, 1, 20, -4, -4, 3, 3};
  EXPECT_TRUE(computed(some.y, turned, some.x, {1e-6, 1e-6}));
}

using RopeLevels = EachLevel;
TROUPE_EACH_LEVEL(RopeLevels);

TEST_P(RopeLevels, EqualTheReference) {
  for (const std::int64_t half : {1, 32, 64})
    for (const std::int64_t heads : {1, 3}) {
      TestDevice device{GetParam(), 2};
      RopeCase actual{{5, 0, 32'767, 131}, heads, half};
      RopeCase expected = actual;
      ASSERT_TRUE(rope_table(device.ctx, actual.table(1e6f)));
      RopeTable::reference(expected.table(1e6f));
      EXPECT_TRUE(same_bits(actual.cos, expected.cos));
      EXPECT_TRUE(same_bits(actual.sin, expected.sin));
      ASSERT_TRUE(rope(device.ctx, actual.args()));
      Rope::reference(expected.args());
      // Two products and a sum, each rounded.
      EXPECT_TRUE(computed(actual.y, expected.y, actual.x, {1e-6, 1e-6}));
    }
}

TEST_P(RopeLevels, MayRunInPlace) {
  TestDevice device{GetParam()};
  RopeCase some{{1, 2, 3}, 2, 32};
  ASSERT_TRUE(rope_table(device.ctx, some.table(1e4f)));
  ASSERT_TRUE(rope(device.ctx, some.args()));
  const auto input = some.x;
  auto args = some.args();
  args.y = args.x;
  ASSERT_TRUE(rope(device.ctx, args));
  EXPECT_TRUE(computed_alike(some.x, some.y, input));
}

TEST(RopeSupports, NoOtherShapes) {
  RopeCase some{{1, 2, 3}, 2, 32};
  EXPECT_TRUE(Rope::supports({}, some.args()));
  EXPECT_TRUE(RopeTable::supports({}, some.table(2)));
  EXPECT_FALSE(RopeTable::supports({}, some.table(1)));
  EXPECT_FALSE(RopeTable::supports({}, some.table(NAN)));
  auto args = some.args();
  args.x.shape[1] = args.y.shape[1] = 100;  // No multiple of a head.
  EXPECT_FALSE(Rope::supports({}, args));
}

}  // namespace
}  // namespace troupe::kernels
