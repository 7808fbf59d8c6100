#include "kernels/numbers.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

namespace troupe {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Of all finite f16, the nearest to `value`; ties go to the even pattern.
std::uint16_t nearest_f16(float value) {
  std::uint16_t best = 0;
  double least = std::numeric_limits<double>::infinity();
  for (std::uint16_t bits = 0; bits < 0x7c00; ++bits) {
    const double away = std::abs(double{f16_to_f32(bits)} - std::abs(value));
    if (away < least || (away == least && bits % 2 == 0)) best = bits;
    least = std::min(away, least);
  }
  return best;
}

TEST(Numbers, KnowTheirLandmarks) {
  EXPECT_EQ(bf16_to_f32(0x3f80), 1.0f);
  EXPECT_EQ(bf16_to_f32(0xc049), -3.140625f);
  EXPECT_EQ(bf16_to_f32(0xff80), -kInfinity);
  EXPECT_EQ(f16_to_f32(0x3c00), 1.0f);
  EXPECT_EQ(f16_to_f32(0xc248), -3.140625f);
  EXPECT_EQ(f16_to_f32(0x7bff), 65504.0f);
  EXPECT_EQ(f16_to_f32(0x0001), 0x1p-24f);
  EXPECT_EQ(f16_to_f32(0x03ff), 1023 * 0x1p-24f);
  EXPECT_EQ(f16_to_f32(0x0400), 0x1p-14f);
  EXPECT_EQ(f16_to_f32(0x7c00), kInfinity);
  EXPECT_TRUE(std::signbit(f16_to_f32(0x8000)));
}

TEST(Numbers, EveryHalfComesBackFromFp32) {
  for (std::uint32_t bits = 0; bits <= 0xffff; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const bool f16_nan = (half & 0x7fff) > 0x7c00;
    const bool bf16_nan = (half & 0x7fff) > 0x7f80;
    ASSERT_EQ(std::isnan(f16_to_f32(half)), f16_nan) << bits;
    ASSERT_EQ(std::isnan(bf16_to_f32(half)), bf16_nan) << bits;
    // Quiet NaNs keep their bits; a signalling one becomes quiet.
    ASSERT_EQ(f32_to_f16(f16_to_f32(half)), f16_nan ? half | 0x200 : half);
    ASSERT_EQ(f32_to_bf16(bf16_to_f32(half)), bf16_nan ? half | 0x40 : half);
  }
}

TEST(Numbers, NarrowToTheNearestAndTiesToEven) {
  EXPECT_EQ(f32_to_bf16(std::bit_cast<float>(0x3f808000)), 0x3f80);  // Tie.
  EXPECT_EQ(f32_to_bf16(std::bit_cast<float>(0x3f818000)), 0x3f82);  // Tie.
  EXPECT_EQ(f32_to_bf16(std::bit_cast<float>(0x3f808001)), 0x3f81);
  EXPECT_EQ(f32_to_bf16(std::bit_cast<float>(0x7f7fffff)), 0x7f80);
  EXPECT_EQ(f32_to_bf16(std::bit_cast<float>(0xff800001)), 0xffc0);
  EXPECT_EQ(f32_to_f16(65519.996f), 0x7bff);
  EXPECT_EQ(f32_to_f16(65520.0f), 0x7c00);
  EXPECT_EQ(f32_to_f16(-1e30f), 0xfc00);
  EXPECT_EQ(f32_to_f16(0x1p-25f), 0x0000);  // Tie.
  EXPECT_EQ(f32_to_f16(0x1.000002p-25f), 0x0001);
  EXPECT_EQ(f32_to_f16(1.5f * 0x1p-24f), 0x0002);     // Tie.
  EXPECT_EQ(f32_to_f16(1023.5f * 0x1p-24f), 0x0400);  // Up to a normal one.
}

TEST(Numbers, NarrowAsASearchOfAllHalvesDoes) {
  std::uint32_t bits = 1;
  for (int i = 0; i < 400; ++i) {
    bits = bits * 1664525 + 1013904223;
    // Exponents of 2^-27 to 2^15, where f16 has values.
    const auto value = std::bit_cast<float>((bits & 0x7fffff) |
                                            (100 + (bits >> 24) % 43) << 23);
    if (value >= 65504.0f) continue;
    ASSERT_EQ(f32_to_f16(value), nearest_f16(value)) << std::hexfloat << value;
    ASSERT_EQ(f32_to_f16(-value), nearest_f16(value) | 0x8000);
  }
}

}  // namespace
}  // namespace troupe
