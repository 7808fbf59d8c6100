// The ways in which a kernel's threads, copies and products may come.
#pragma once

#include <gtest/gtest.h>

#include <ostream>
#include <span>
#include <string>

#include "tests/hopper_shim/shim/warpgroups.hpp"
#include "tests/sanitized.hpp"

namespace troupe::cuda_shim {

struct Schedule {
  const char* name;
  Order order;
  Background copies;
  Background products;
};

inline void PrintTo(const Schedule& schedule, std::ostream* to) {
  *to << schedule.name;
}

inline constexpr Schedule kSchedules[] = {
    {"at_once", Order::ascending, Background::at_once, Background::at_once},
    {"at_last", Order::descending, Background::at_last, Background::at_last},
    {"late_products", Order::shuffled, Background::at_once,
     Background::at_last},
    {"late_copies", Order::shuffled, Background::at_last, Background::at_once}};

// As with the orders of tests/cuda_shim.
inline constexpr std::span<const Schedule> kTestedSchedules =
    std::span{kSchedules}.last(kSanitized ? 1 : std::size(kSchedules));

/// Tests of a kernel run once for each.
class EachSchedule : public ::testing::TestWithParam<Schedule> {
 protected:
  EachSchedule() {
    set_order(GetParam().order);
    set_background(GetParam().copies, GetParam().products);
  }
};

}  // namespace troupe::cuda_shim

#define TROUPE_EACH_SCHEDULE(fixture)                             \
  INSTANTIATE_TEST_SUITE_P(                                       \
      Schedules, fixture,                                         \
      ::testing::ValuesIn(::troupe::cuda_shim::kTestedSchedules), \
      [](const auto& info) { return std::string{info.param.name}; })
