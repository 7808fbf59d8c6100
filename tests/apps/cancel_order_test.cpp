#include "apps/cancel_order.hpp"

#include <gtest/gtest.h>

namespace troupe {
namespace {

constexpr SteadyMs kPressed = 5'000;

TEST(CancelOrderTest, TheFirstPressCancelsUntilTheNodeHasAnswered) {
  CancelOrder order;
  EXPECT_FALSE(order.saw(0, 0));
  EXPECT_FALSE(order.is_to_be_sent(0));
  EXPECT_TRUE(order.saw(1, kPressed));
  EXPECT_FALSE(order.saw(1, kPressed)) << "it is told once";
  EXPECT_TRUE(order.is_to_be_sent(kPressed + 60'000));
  EXPECT_FALSE(order.leaves(kPressed + 60'000));
  order.answered(true);
  EXPECT_FALSE(order.is_to_be_sent(kPressed + 60'000));
  EXPECT_TRUE(order.is_taken());
}

TEST(CancelOrderTest, ASecondPressLeavesAtOnceWhoeverHadTimeToAnswer) {
  CancelOrder silent;
  silent.saw(1, kPressed);
  const auto later = kPressed + CancelOrder::kAnswerMs;
  silent.saw(2, later);
  EXPECT_TRUE(silent.leaves(later));
  EXPECT_FALSE(silent.is_to_be_sent(later)) << "that would take its time";
  EXPECT_FALSE(silent.is_answered());
  CancelOrder quick;
  quick.saw(1, kPressed);
  quick.answered(false);
  quick.saw(2, kPressed + 1);
  EXPECT_TRUE(quick.leaves(kPressed + 1));
  EXPECT_FALSE(quick.is_taken());
}

TEST(CancelOrderTest, TwoPressesAtOnceLeaveTimeForAnAnswerAndThreeDoNot) {
  CancelOrder order;
  EXPECT_TRUE(order.saw(2, kPressed));
  EXPECT_TRUE(order.is_to_be_sent(kPressed));
  EXPECT_FALSE(order.leaves(kPressed + CancelOrder::kAnswerMs - 1));
  EXPECT_TRUE(order.leaves(kPressed + CancelOrder::kAnswerMs));
  order.saw(3, kPressed);
  EXPECT_TRUE(order.leaves(kPressed));
}

}  // namespace
}  // namespace troupe
