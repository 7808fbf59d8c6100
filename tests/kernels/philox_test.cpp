#include "kernels/philox.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <set>

namespace troupe::kernels {
namespace {

// The known answers that come with Random123.
TEST(Philox, GivesTheKnownAnswers) {
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}),
            (PhiloxBlock{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  constexpr auto kOnes = 0xffffffffu;
  EXPECT_EQ(philox({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}),
            (PhiloxBlock{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
                   {0xa4093822, 0x299f31d0}),
            (PhiloxBlock{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

// torch's generator on CUDA is this one: its first normal numbers of seed 0.
TEST(Philox, GivesTorchsNormalNumbers) {
  const double expected[] = {-0.92466259, -0.42534415, -2.6438457, 0.14518388,
                             -0.12086647};
  for (std::uint32_t i = 0; i < 5; ++i) {
    const auto words = philox({0, 0, i, 0}, philox_key(0));
    const double u = words[0] * 0x1p-32 + 0x1p-33;
    const double v = 2 * std::numbers::pi * (words[1] * 0x1p-32 + 0x1p-33);
    EXPECT_NEAR(std::sqrt(-2 * std::log(u)) * std::sin(v), expected[i], 1e-6);
  }
}

TEST(TokenUniform, DependsOnSeedChoiceAndPositionAndOnNothingElse) {
  std::set<double> drawn;
  for (const std::uint64_t seed : {0ull, 1ull, 1ull << 32})
    for (const std::uint32_t choice : {0u, 1u, 2u})
      for (const std::uint32_t position : {0u, 1u, 2u}) {
        const auto u = token_uniform(seed, choice, position);
        EXPECT_GE(u, 0);
        EXPECT_LT(u, 1);
        EXPECT_EQ(u, token_uniform(seed, choice, position));
        drawn.insert(u);
      }
  EXPECT_EQ(drawn.size(), 27u);
}

TEST(TokenUniform, IsUniformToTheEighthOfItsRange) {
  int counts[8] = {};
  for (std::uint32_t position = 0; position < 80'000; ++position)
    ++counts[static_cast<int>(8 * token_uniform(7, 0, position))];
  for (const auto count : counts) EXPECT_NEAR(count, 10'000, 400);
}

}  // namespace
}  // namespace troupe::kernels
