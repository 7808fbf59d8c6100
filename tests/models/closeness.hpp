// How near what a model computes is to the truth.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace troupe {

inline double cosine(const std::vector<float>& a, const std::vector<float>& b) {
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += double{a[i]} * b[i];
    aa += double{a[i]} * a[i];
    bb += double{b[i]} * b[i];
  }
  return ab / std::sqrt(aa * bb);
}

/// Of logits, rows of `width`: the mean over the rows of sum p (log p - log q),
/// p: `exact`.
inline double divergence(const std::vector<float>& exact,
                         const std::vector<float>& q, std::size_t width) {
  double all = 0;
  const auto log_sum = [&](const float* x) {
    const double most = *std::max_element(x, x + width);
    double sum = 0;
    for (std::size_t i = 0; i < width; ++i) sum += std::exp(x[i] - most);
    return most + std::log(sum);
  };
  for (std::size_t at = 0; at < exact.size(); at += width) {
    const double of_p = log_sum(&exact[at]), of_q = log_sum(&q[at]);
    for (std::size_t i = at; i < at + width; ++i)
      all += std::exp(exact[i] - of_p) * ((exact[i] - of_p) - (q[i] - of_q));
  }
  return all / static_cast<double>(exact.size() / width);
}

/// Whether `passes` tells `expected` from zeros and from `input`, what came in
/// (filled up or cut to size): a comparison that these pass proves nothing.
template <class Passes>
::testing::AssertionResult tells_apart(const std::vector<float>& expected,
                                       std::vector<float> input,
                                       const Passes& passes) {
  if (passes(std::vector<float>(expected.size())))
    return ::testing::AssertionFailure() << "zeros would pass";
  input.resize(expected.size());
  if (passes(input))
    return ::testing::AssertionFailure() << "the input would pass";
  return ::testing::AssertionSuccess();
}

}  // namespace troupe
