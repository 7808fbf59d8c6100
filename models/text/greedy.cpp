#include "models/text/greedy.hpp"

#include <cmath>
#include <limits>
#include <string>

namespace troupe {

Result<TokenId> greedy_token(std::span<const float> logits,
                             std::size_t tokens) {
  TROUPE_ASSERT(tokens >= 1 && tokens <= logits.size());
  float best = -std::numeric_limits<float>::infinity();
  std::size_t id = tokens;
  for (std::size_t i = 0; i < tokens; ++i) {
    if (std::isnan(logits[i]))
      return Error{Errc::corrupt, "the model gave no number for token " +
                                      std::to_string(i) +
                                      ": its weights are broken"};
    if (logits[i] <= best) continue;
    best = logits[i];
    id = i;
  }
  if (id == tokens)
    return Error{Errc::corrupt, "the model gave no token a chance"};
  return static_cast<TokenId>(id);
}

}  // namespace troupe
