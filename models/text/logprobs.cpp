#include "models/text/logprobs.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace troupe {

Logprobs::Logprobs(std::span<const float> logits)
    : logits_{logits.begin(), logits.end()} {
  const double most = *std::ranges::max_element(logits_);
  double sum = 0;
  for (const auto logit : logits_) sum += std::exp(double{logit} - most);
  whole_ = most + std::log(sum);
}

TokenLogprob Logprobs::of(TokenId id) const {
  return {id, double{logits_.at(static_cast<std::size_t>(id))} - whole_};
}

std::vector<TokenLogprob> Logprobs::best(std::int64_t count) const {
  std::vector<TokenId> ids(logits_.size());
  std::iota(ids.begin(), ids.end(), TokenId{0});
  const auto end = ids.begin() + std::min(count, std::ssize(ids));
  std::partial_sort(ids.begin(), end, ids.end(), [&](TokenId a, TokenId b) {
    const auto x = logits_[static_cast<std::size_t>(a)];
    const auto y = logits_[static_cast<std::size_t>(b)];
    return x != y ? x > y : a < b;
  });
  std::vector<TokenLogprob> best;
  for (auto id = ids.begin(); id != end; ++id) best.push_back(of(*id));
  return best;
}

}  // namespace troupe
