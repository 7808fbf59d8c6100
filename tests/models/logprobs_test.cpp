#include "models/text/logprobs.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace troupe {
namespace {

TEST(Logprobs, AreTheSoftmaxsLogarithms) {
  const float ln2 = std::log(2.f);
  const std::vector<float> logits{1000, 1000 + ln2, 1000 + ln2, 1000 - ln2};
  const Logprobs row{logits};
  EXPECT_NEAR(row.of(0).logprob, std::log(1 / 5.5), 1e-4);
  EXPECT_NEAR(row.of(3).logprob, std::log(0.5 / 5.5), 1e-4);
}

TEST(Logprobs, NameTheLikeliestFirstTheLowestOfEquals) {
  const std::vector<float> logits{0, 3, 3, 1};
  const auto best = Logprobs{logits}.best(3);
  ASSERT_EQ(best.size(), 3u);
  EXPECT_EQ(best[0].id, 1);
  EXPECT_EQ(best[1].id, 2);
  EXPECT_EQ(best[2].id, 3);
  EXPECT_EQ(best[0].logprob, best[1].logprob);
  EXPECT_GT(best[1].logprob, best[2].logprob);
}

TEST(Logprobs, NameNoMoreThanThereAre) {
  const std::vector<float> logits{0, 1};
  EXPECT_EQ(Logprobs{logits}.best(5).size(), 2u);
  EXPECT_TRUE(Logprobs{logits}.best(0).empty());
}

TEST(Logprobs, OutliveTheLogits) {
  std::vector<float> logits{0, 0};
  const Logprobs row{logits};
  logits[0] = 50;
  EXPECT_NEAR(row.of(0).logprob, std::log(0.5), 1e-6);
}

}  // namespace
}  // namespace troupe
