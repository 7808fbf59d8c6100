// How many rows a step may have, by what steps before it took.
#include "models/step_rate.hpp"

#include <gtest/gtest.h>

namespace troupe {
namespace {

// A machine where a step takes `fixed` and each row `row` ms.
struct Machine {
  double fixed;
  double row;
  double ms(std::int64_t rows) const {
    return fixed + row * static_cast<double>(rows);
  }
};

StepRate learned(const Machine& machine, std::initializer_list<int> sizes) {
  StepRate rate;
  for (int round = 0; round < 40; ++round)
    for (const auto rows : sizes) rate.learn(rows, machine.ms(rows));
  return rate;
}

TEST(StepRate, TellsWhatAStepCostsFromWhatItsRowsCost) {
  const Machine machine{.fixed = 40, .row = 2.5};
  const auto rate = learned(machine, {16, 96, 32, 1});
  EXPECT_NEAR(rate.ms_of(0), 40, 1);
  EXPECT_NEAR(rate.ms_of(200), machine.ms(200), 10);
  EXPECT_NEAR(rate.rows_in_time(), 64, 2);
}

TEST(StepRate, ForeseesStepsOfOneSizeWithoutTellingTheCostsApart) {
  const auto rate = learned({.fixed = 30, .row = 4}, {16});
  EXPECT_NEAR(rate.ms_of(16), 94, 0.1);
}

TEST(StepRate, FollowsAMachineThatBecomesSlower) {
  auto rate = learned({.fixed = 5, .row = 0.5}, {16, 128});
  for (int i = 0; i < 40; ++i) {
    rate.learn(16, Machine{20, 2}.ms(16));
    rate.learn(64, Machine{20, 2}.ms(64));
  }
  EXPECT_NEAR(rate.rows_in_time(), 90, 3);
}

TEST(StepRate, TakesOneSlowStepForNoMoreThanHalf) {
  auto rate = learned({.fixed = 0, .row = 1}, {64, 128});
  rate.learn(128, 1128);
  EXPECT_NEAR(rate.ms_of(128), 628, 5);
}

TEST(StepRate, GivesALonePromptMoreRowsWhereStepsCostMuch) {
  // 200 ms hold 40 rows, of whose time a fifth would go to the weights.
  const auto rate = learned({.fixed = 40, .row = 4}, {16, 96, 160});
  EXPECT_NEAR(rate.rows_in_time(), 40, 2);
  EXPECT_NEAR(rate.lone_rows(), 150, 8);
}

TEST(StepRate, GivesALonePromptNoMoreThanASecond) {
  const auto rate = learned({.fixed = 400, .row = 20}, {16, 96, 160});
  EXPECT_NEAR(rate.lone_rows(), 30, 2);
}

TEST(StepRate, GivesALonePromptNoMoreWhereStepsCostLittle) {
  const auto rate = learned({.fixed = 1, .row = 1}, {16, 128});
  EXPECT_EQ(rate.lone_rows(), rate.rows_in_time());
}

TEST(StepRate, NeverBelievesInRowsThatCostNothing) {
  StepRate rate;
  for (int i = 0; i < 50; ++i) rate.learn(256, 0);
  EXPECT_GT(rate.rows_in_time(), 256);
  EXPECT_GE(rate.ms_of(0), 0);
  rate.learn(16, 1000);
  EXPECT_LT(rate.rows_in_time(), 1e6);
}

}  // namespace
}  // namespace troupe
