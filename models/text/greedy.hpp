// The likeliest token: what sampling at temperature zero is.
#pragma once

#include <cstddef>
#include <span>

#include "core/result.hpp"
#include "models/text/tokenizer_file.hpp"

namespace troupe {

/// Of the first `tokens` logits (the rows beyond are padding) the highest, of
/// equals the lowest id. REQUIRES: 1 <= tokens <= logits.size(). Errors:
/// corrupt: one of them is NaN, or none is above minus infinity.
Result<TokenId> greedy_token(std::span<const float> logits, std::size_t tokens);

}  // namespace troupe
