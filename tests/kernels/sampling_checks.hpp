// What sampling must do on every device, for the tests of its versions. A
// version is asked through its Context; which tokens a filter keeps it says as
// weights, 0 for one that is out.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <limits>
#include <set>
#include <utility>
#include <vector>

#include "tests/kernels/sampling_cases.hpp"

namespace troupe::kernels {

/// Of a row of these logits, sampled so.
using WeightsOf = std::function<std::vector<float>(
    const std::vector<float>& logits, const SamplingRow& row)>;

inline std::vector<double> probabilities(std::vector<float> logits,
                                         const SamplingRow& row) {
  SamplingCase one{std::move(logits), 1};
  one.ways[0] = row;
  return token_probabilities(one.args(), 0);
}

inline void check_kept(std::int64_t vocabulary, const WeightsOf& weights_of) {
  constexpr float kNear = 1e-6f;  // Of a threshold either is right.
  for (const auto spread : {kFlat, kPeaked})
    for (const auto& way : ways()) {
      const auto logits = some_logits(vocabulary, spread);
      auto loose = way.row, tight = way.row;
      if (way.row.top_p < 1) loose.top_p += kNear, tight.top_p -= kNear;
      if (way.row.min_p > 0) loose.min_p -= kNear, tight.min_p += kNear;
      const auto at_most = probabilities(logits, loose);
      const auto at_least = probabilities(logits, tight);
      const auto expected = probabilities(logits, way.row);
      const auto weights = weights_of(logits, way.row);
      double all = 0;
      for (const float weight : weights) all += double{weight};
      std::int64_t wrong = 0, different = 0, compared = 0;
      for (std::size_t id = 0; id < expected.size(); ++id) {
        const double weight = double{weights[id]};
        wrong += (weight > 0 && at_most[id] == 0) ||
                 (weight == 0 && at_least[id] > 1e-30);
        if (weight == 0 || expected[id] == 0) continue;
        ++compared;
        different += std::abs(weight / all / expected[id] - 1) > 2e-5;
      }
      EXPECT_EQ(wrong, 0) << way.name << ", " << vocabulary << ", " << spread;
      EXPECT_EQ(different, 0) << way.name << ", " << vocabulary;
      EXPECT_GT(compared, 0);
    }
}

/// Of values from a few, so that every threshold falls among equals.
inline void check_kept_ties(std::initializer_list<std::int64_t> sizes,
                            std::initializer_list<std::int32_t> ks,
                            const WeightsOf& weights_of) {
  std::vector<float> logits(5000);
  for (std::size_t i = 0; i < logits.size(); ++i)
    logits[i] = static_cast<float>(i * 7919 % 13) * (i % 2 ? 0.5f : -0.5f);
  for (const auto size : sizes)
    for (const auto k : ks)
      for (const auto p : {1.f, 0.999f, 0.5f, 0.01f}) {
        const SamplingRow row{.top_k = k, .top_p = p};
        const std::vector<float> some{logits.begin(), logits.begin() + size};
        const auto expected = probabilities(some, row);
        const auto actual = weights_of(some, row);
        std::int64_t wrong = 0;
        for (std::size_t id = 0; id < expected.size(); ++id)
          wrong += (actual[id] > 0) != (expected[id] > 0);
        EXPECT_EQ(wrong, 0) << size << ", k " << k << ", p " << p;
      }
}

inline void check_same_in_any_batch(Context& alone, Context& team,
                                    std::uint32_t rows) {
  std::set<std::int32_t> drawn;
  for (const auto& way : ways()) {
    SamplingCase one{some_logits(1000, kPeaked), 1};
    one.ways[0] = way.row;
    one.ways[0].seed = 11;
    const auto token = one.sampled(alone).at(0);
    SamplingCase batch{some_logits(1000, kPeaked), rows};
    for (std::uint32_t i = 0; i < rows; ++i) batch.ways[i].position = i;
    batch.ways.front() = batch.ways.back() = one.ways[0];
    const auto tokens = batch.sampled(team);
    EXPECT_EQ(tokens.front(), token) << way.name;
    EXPECT_EQ(tokens.back(), token) << way.name;
    drawn.insert(tokens.begin(), tokens.end());
  }
  EXPECT_GE(drawn.size(), 3u) << "one and the same would pass";
}

/// At temperature 0, the lowest of equals.
inline void check_likeliest(Context& ctx, std::int64_t most) {
  for (const std::int64_t vocabulary :
       {std::int64_t{1}, std::int64_t{2}, std::int64_t{17}, std::int64_t{50},
        most}) {
    SamplingCase some{some_logits(vocabulary, kPeaked), 1};
    some.ways[0].temperature = 0;
    const auto highest = std::ranges::max_element(some.one) - some.one.begin();
    EXPECT_EQ(some.sampled(ctx).at(0), highest);
    some.one.back() = some.one[static_cast<std::size_t>(highest)];
    EXPECT_EQ(some.sampled(ctx).at(0), highest);
    EXPECT_EQ(some.by_reference().at(0), highest);
  }
}

inline void check_penalises_the_likeliest(Context& ctx) {
  const std::vector<SeenToken> seen{{1, 1}};
  SamplingCase some{{1, 3, 2}, 1};
  some.ways[0] = {.temperature = 0,
                  .presence_penalty = 1.5f,
                  .seen = seen.data(),
                  .seen_count = 1};
  EXPECT_THAT(some.sampled(ctx), ::testing::ElementsAre(2));
}

inline void check_no_padding(Context& ctx, std::uint32_t positions) {
  SamplingCase some{{0, 1, 50, 60}, 2};
  some.ways[1].temperature = 0;
  auto args = some.args();
  args.vocabulary = 2;
  for (std::uint32_t position = 0; position < positions; ++position) {
    some.refill();
    some.ways[0].position = position;
    ASSERT_TRUE(sampling(ctx, args));
    EXPECT_LT(some.tokens[0], 2);
    EXPECT_EQ(some.tokens[1], 1);
  }
}

inline void check_no_number(Context& ctx) {
  for (const auto broken : {std::numeric_limits<float>::quiet_NaN(),
                            std::numeric_limits<float>::infinity(),
                            -std::numeric_limits<float>::infinity()})
    for (const std::size_t where : {0, 37, 99}) {
      SamplingCase some{some_logits(100, kPeaked), 2};
      some.one[where] = broken;
      some.ways[0].temperature = 0;
      EXPECT_THAT(some.sampled(ctx), ::testing::Each(kNoToken));
      EXPECT_THAT(some.by_reference(), ::testing::Each(kNoToken));
    }
}

inline void check_extremes(Context& ctx) {
  SamplingCase some{{-3e38f, 0, 3e38f}, 4};
  some.ways[1].temperature = 1e-30f;
  some.ways[2].top_p = 1e-30f;
  some.ways[3].min_p = 1;
  EXPECT_THAT(some.sampled(ctx), ::testing::Each(2));
}

}  // namespace troupe::kernels
