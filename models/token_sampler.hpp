// Chooses a token for each row of logits, where the logits are: how each row
// is to be sampled goes to the device, only tokens come back. Knows no model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/result.hpp"
#include "kernels/context.hpp"
#include "kernels/sampling.hpp"
#include "models/arena.hpp"
#include "models/text/tokenizer_file.hpp"

namespace troupe {

struct TokenSamplerLimits {
  std::int64_t rows = 0;
  std::int64_t listed = 0;  // Seen tokens and biases of one row.
};

/// Used by one thread, with the Context it was made for.
class TokenSampler {
 public:
  /// Of the device's memory; none where it is the program's.
  static std::uint64_t bytes_for(const Device& device,
                                 const TokenSamplerLimits& limits);
  /// Errors: out_of_memory, device_lost.
  static Result<TokenSampler> make(Context& ctx,
                                   const TokenSamplerLimits& limits);

  /// Logits [rows, vocabulary rows] of the device, overwritten; lists of the
  /// program; a token for each row, kNoToken where a logit is no finite number.
  /// Waits for the device. Errors: those of the op, too_large (over the
  /// limits), device_lost.
  Status sample(std::span<const kernels::SamplingRow> rows,
                const TensorRef& logits, std::int64_t vocabulary,
                std::span<TokenId> tokens);

 private:
  struct Places {
    std::byte* listing = nullptr;  // Rows, and the lists they point to.
    std::int32_t* tokens = nullptr;
  };

  TokenSampler(Context& ctx, const TokenSamplerLimits& limits)
      : ctx_{&ctx}, limits_{limits} {}
  static std::size_t listing_bytes(const TokenSamplerLimits& limits);
  static Places lay_out(const TokenSamplerLimits& limits, Arena& arena);
  Status list(std::span<const kernels::SamplingRow> rows);

  Context* ctx_;
  TokenSamplerLimits limits_;
  Arena memory_;
  Places at_;
  std::vector<std::byte> listing_;  // As at_.listing.
};

}  // namespace troupe
