#include "platform/answering.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>

namespace troupe::platform {
namespace {

TEST(Answering, ALookThatComesBackIsOk) {
  Answering answering{60'000};
  int looks = 0;
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(answering.look("/here", [&] { ++looks; }));
  EXPECT_EQ(looks, 3);
}

TEST(Answering, WhatDoesNotAnswerIsLeftAndNotAskedAgainUntilItDoes) {
  Answering answering{1};
  const auto back = std::make_shared<std::promise<void>>();
  const auto gone = back->get_future().share();
  const auto looks = std::make_shared<std::atomic<int>>(0);
  const auto look = [gone, looks] {
    ++*looks;
    gone.wait();
  };
  const auto first = answering.look("/dead", look);
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().code, Errc::unavailable);
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(answering.look("/dead", look));
  EXPECT_LE(*looks, 1);
  back->set_value();
  Status again = first;
  while (!again) again = answering.look("/dead", look);
  EXPECT_GE(*looks, 2) << "looked at anew";
}

}  // namespace
}  // namespace troupe::platform
