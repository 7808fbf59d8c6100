#include "models/text/greedy.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace troupe {
namespace {

Result<TokenId> of(const std::vector<float>& logits, std::size_t tokens) {
  return greedy_token(logits, tokens);
}

TEST(GreedyToken, IsTheHighestAndOfEqualsTheLowestId) {
  EXPECT_EQ(*of({1, 5, 3, 5}, 4), 1);
  EXPECT_EQ(*of({-3, -2, -9}, 3), 1);
  EXPECT_EQ(*of({-INFINITY, -1e30f}, 2), 1);
}

TEST(GreedyToken, IsNeverPadding) {
  EXPECT_EQ(*of({1, 2, 99}, 2), 1);
}

TEST(GreedyToken, IsNothingWhereTheModelIsBroken) {
  EXPECT_EQ(of({1, NAN, 2}, 3).error().code, Errc::corrupt);
  EXPECT_EQ(of({-INFINITY}, 1).error().code, Errc::corrupt);
  EXPECT_TRUE(of({1, NAN}, 1));
}

}  // namespace
}  // namespace troupe
