// One token for each row of logits. In this order, as transformers has it:
//   bias       z += bias[id]
//   repetition z = z < 0 ? z * r : z / r, once for each token that is in the
//              prompt or was generated
//   frequency  z -= f * (how often it was generated)
//   presence   z -= p, where it was generated
//   at temperature 0: the highest z, of equals the lowest id; otherwise
//   temperature z /= T
//   top-k      keeps the k highest, and whatever equals the k-th
//   top-p      of what is left, likeliest first and of equals the lowest id
//              first, keeps a token while those before it have less than p
//   min-p      of what is left, keeps what has at least m of the likeliest's
//   draw       the first token, ids ascending, at which the sum of what is
//              left exceeds u times the whole; u = token_uniform(seed, choice,
//              position)
//
// Tokens less than e^-80 as likely as the likeliest are never drawn. (Frequency
// and presence are not in transformers; they stand where vLLM has them.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "kernels/dispatch.hpp"
#include "kernels/tensor.hpp"

namespace troupe::kernels {

inline constexpr std::int32_t kNoToken = -1;

struct SeenToken {
  std::int32_t id = 0;
  std::int32_t generated = 0;  // 0: only the prompt has it.
};

struct TokenBias {
  std::int32_t id = 0;
  float bias = 0;  // Finite.
};

/// How one row is sampled. Read from device memory: it changes with each step.
struct SamplingRow {
  float temperature = 1;         // >= 0
  std::int32_t top_k = 0;        // 0: all.
  float top_p = 1;               // (0, 1]; 1: all.
  float min_p = 0;               // [0, 1]; 0: all.
  float repetition_penalty = 1;  // > 0
  float presence_penalty = 0;
  float frequency_penalty = 0;
  std::uint32_t choice = 0;
  std::uint32_t position = 0;  // Tokens generated before this one.
  std::uint64_t seed = 0;
  const SeenToken* seen = nullptr;  // No id twice.
  std::int32_t seen_count = 0;
  const TokenBias* biases = nullptr;  // No id twice.
  std::int32_t bias_count = 0;
};

struct Sampling {
  static constexpr std::string_view kName = "sampling";
  struct Args {
    TensorRef tokens;  // i32 [rows], written; kNoToken: a logit is not finite
    TensorRef logits;  // f32 [rows, vocabulary rows], read and overwritten
    std::int64_t vocabulary = 0;        // Tokens; the rows beyond are padding.
    const SamplingRow* rows = nullptr;  // [rows], ids of [0, vocabulary)
  };

  /// Errors: invalid_argument, with what is supported. What the rows say is
  /// not looked at: who makes them keeps it in range.
  static Status supports(const Device&, const Args&);
  static std::size_t workspace_bytes(const Device&, const Args&) { return 0; }
  /// All REQUIRE: supports(). The reference leaves the logits as they are.
  static void reference(const Args&);
  static void cpu(Context&, const Args&);
  static void cuda(Context&, const Args&);
};

inline Status sampling(Context& ctx, const Sampling::Args& args) {
  return dispatch<Sampling>(ctx, args);
}

/// The truth in fp64, sorted and without tricks: how likely each token of the
/// row is to be drawn, 0 for those that a filter took. REQUIRES: finite logits.
std::vector<double> token_probabilities(const Sampling::Args& args,
                                        std::int64_t row);

}  // namespace troupe::kernels
