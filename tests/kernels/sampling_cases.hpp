// Logits and ways to sample them, for the tests of sampling.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "kernels/sampling.hpp"
#include "tests/kernels/support.hpp"
#include "tests/sanitized.hpp"

namespace troupe::kernels {

/// Rows of the same logits, each sampled its own way. Not copied: rows point
/// into it.
struct SamplingCase {
  SamplingCase(std::vector<float> row_logits, std::int64_t rows)
      : one{std::move(row_logits)},
        ways(static_cast<std::size_t>(rows)),
        tokens(static_cast<std::size_t>(rows), -7) {
    refill();
  }
  SamplingCase(const SamplingCase&) = delete;
  SamplingCase& operator=(const SamplingCase&) = delete;

  void refill() {
    logits.clear();
    for (std::size_t i = 0; i < ways.size(); ++i)
      logits.insert(logits.end(), one.begin(), one.end());
  }
  Sampling::Args args() const {
    const auto rows = std::ssize(ways);
    return {.tokens = vector_ref(tokens.data(), rows),
            .logits = matrix_ref(logits.data(), rows, std::ssize(one)),
            .vocabulary = std::ssize(one),
            .rows = ways.data()};
  }
  /// Sampled anew: logits are used up.
  std::vector<std::int32_t> sampled(Context& ctx) {
    refill();
    EXPECT_TRUE(sampling(ctx, args()));
    return tokens;
  }
  std::vector<std::int32_t> by_reference() {
    refill();
    Sampling::reference(args());
    return tokens;
  }

  std::vector<float> one;
  std::vector<SamplingRow> ways;
  std::vector<float> logits;
  std::vector<std::int32_t> tokens;
};

/// Qwen2's; under sanitizers one that still is many for a block's threads.
inline constexpr std::int64_t kManyTokens = kSanitized ? 20'000 : 151'936;

/// Standard deviations of the logits.
inline constexpr float kFlat = 0.01f;
inline constexpr float kPeaked = 3.f;

inline std::vector<float> some_logits(std::int64_t vocabulary, float spread,
                                      unsigned seed = 1) {
  auto logits = random_values(vocabulary, seed);
  for (auto& z : logits) z *= spread;
  return logits;
}

struct Way {
  const char* name;
  SamplingRow row;
};

/// Every filter alone, and all together. Ids are below 3.
inline const std::vector<Way>& ways() {
  // Not in the program: a device reads them.
  static const std::vector<SeenToken> seen{{0, 0}, {2, 3}, {1, 1}};
  static const std::vector<TokenBias> biases{{1, 0.5f}, {2, -0.3f}};
  static const std::vector<Way> all{
      {"plain", {}},
      {"temperature", {.temperature = 0.7f}},
      {"hot", {.temperature = 1.8f}},
      {"top_k", {.top_k = 20}},
      {"top_k_of_many", {.top_k = 700}},
      {"top_p", {.top_p = 0.9f}},
      {"min_p", {.min_p = 0.05f}},
      {"repetition",
       {.repetition_penalty = 1.3f, .seen = seen.data(), .seen_count = 3}},
      {"presence",
       {.presence_penalty = 0.6f, .seen = seen.data(), .seen_count = 3}},
      {"frequency",
       {.frequency_penalty = 0.4f, .seen = seen.data(), .seen_count = 3}},
      {"bias", {.biases = biases.data(), .bias_count = 2}},
      {"all",
       {.temperature = 0.8f,
        .top_k = 40,
        .top_p = 0.9f,
        .min_p = 0.02f,
        .repetition_penalty = 1.1f,
        .presence_penalty = 0.2f,
        .frequency_penalty = 0.1f,
        .seen = seen.data(),
        .seen_count = 3,
        .biases = biases.data(),
        .bias_count = 2}}};
  return all;
}

}  // namespace troupe::kernels
