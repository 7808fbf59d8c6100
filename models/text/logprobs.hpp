// How likely the model itself held tokens: the logarithms of its softmax,
// before any bias, penalty, temperature or filter.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "models/text/tokenizer_file.hpp"

namespace troupe {

struct TokenLogprob {
  TokenId id = 0;
  double logprob = 0;
};

/// Of one row of logits, taken before sampling overwrites them.
class Logprobs {
 public:
  /// Keeps a copy. REQUIRES: not empty.
  explicit Logprobs(std::span<const float> logits);

  /// REQUIRES: an id of the row.
  TokenLogprob of(TokenId id) const;
  /// The likeliest first, of equals the lowest id first; at most `count`.
  std::vector<TokenLogprob> best(std::int64_t count) const;

 private:
  std::vector<float> logits_;
  double whole_ = 0;  // log of the sum of e^logit.
};

}  // namespace troupe
