// What the tests of kernels share: values, contexts, and a comparison that
// cannot pass by chance.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "kernels/context.hpp"

namespace troupe::kernels {

inline std::vector<float> random_values(std::int64_t n, unsigned seed) {
  std::mt19937 rng(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(static_cast<std::size_t>(n));
  for (auto& value : values) value = normal(rng);
  return values;
}

/// A CPU Context with a team of its own.
struct TestDevice {
  explicit TestDevice(IsaLevel isa, int threads = 1)
      : team{std::make_unique<ThreadTeam>(threads)} {
    ctx.isa = isa;
    ctx.team = team.get();
  }

  std::unique_ptr<ThreadTeam> team;
  std::vector<std::byte> scratch;  // For ops that need one.
  Context ctx;
};

struct Tolerance {
  double absolute = 0;
  double relative = 0;  // Of the expected value's magnitude.
};

inline bool all_close(const std::vector<float>& actual,
                      const std::vector<float>& expected, Tolerance allowed) {
  if (actual.size() != expected.size()) return false;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const double a = actual[i], e = expected[i];
    // Negated, so that NaN is not close.
    if (!(std::abs(a - e) <= allowed.absolute + allowed.relative * std::abs(e)))
      return false;
  }
  return true;
}

/// `actual` is close to `expected`, and neither zeros nor `input` would be: a
/// test that they pass proves nothing. Outputs of no element pass.
inline ::testing::AssertionResult computed(const std::vector<float>& actual,
                                           const std::vector<float>& expected,
                                           const std::vector<float>& input,
                                           Tolerance allowed) {
  if (!all_close(actual, expected, allowed)) {
    for (std::size_t i = 0; i < std::min(actual.size(), expected.size()); ++i)
      if (!all_close({actual[i]}, {expected[i]}, allowed))
        return ::testing::AssertionFailure() << "[" << i << "] is " << actual[i]
                                             << ", expected " << expected[i];
    return ::testing::AssertionFailure() << "sizes differ";
  }
  if (expected.empty()) return ::testing::AssertionSuccess();
  if (all_close(std::vector<float>(expected.size()), expected, allowed))
    return ::testing::AssertionFailure() << "zeros would pass";
  if (all_close(input, expected, allowed))
    return ::testing::AssertionFailure() << "the input would pass";
  return ::testing::AssertionSuccess();
}

inline bool same_bits(const std::vector<float>& a,
                      const std::vector<float>& b) {
  return a.size() == b.size() &&
         (a.empty() ||
          std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

/// Both ways gave the same bytes, and these are neither zeros nor `input`: an
/// op that computes nothing gives the same bytes in any way.
inline ::testing::AssertionResult computed_alike(
    const std::vector<float>& a, const std::vector<float>& b,
    const std::vector<float>& input) {
  if (!same_bits(a, b))
    return ::testing::AssertionFailure() << "the bytes differ";
  return computed(a, b, input, {});
}

/// Tests of a kernel run once for each level that this processor has.
class EachLevel : public ::testing::TestWithParam<IsaLevel> {};

inline std::string level_name(const ::testing::TestParamInfo<IsaLevel>& info) {
  return std::string(to_string(info.param));
}

}  // namespace troupe::kernels

#define TROUPE_EACH_LEVEL(fixture)                                           \
  INSTANTIATE_TEST_SUITE_P(Levels, fixture,                                  \
                           ::testing::ValuesIn(::troupe::isa_levels_here()), \
                           ::troupe::kernels::level_name)
