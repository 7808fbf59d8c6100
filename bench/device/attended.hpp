// One row of attention by plain loops, for who must not time a wrong answer.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace troupe::bench {

/// Weights of `keys` keys and their values' sum: q(i), key(t, i) and value(t,
/// i) give element i of head_dim.
template <class Q, class K, class V>
std::vector<double> attended(std::int64_t keys, std::int64_t head_dim,
                             double scale, const Q& q, const K& key,
                             const V& value) {
  std::vector<double> scores(static_cast<std::size_t>(keys));
  double most = -INFINITY, sum = 0;
  for (std::int64_t t = 0; t < keys; ++t) {
    double score = 0;
    for (std::int64_t i = 0; i < head_dim; ++i) score += q(i) * key(t, i);
    scores[static_cast<std::size_t>(t)] = score * scale;
    most = std::max(most, score * scale);
  }
  std::vector<double> y(static_cast<std::size_t>(head_dim));
  for (std::int64_t t = 0; t < keys; ++t) {
    const auto weight = std::exp(scores[static_cast<std::size_t>(t)] - most);
    sum += weight;
    for (std::int64_t i = 0; i < head_dim; ++i)
      y[static_cast<std::size_t>(i)] += weight * value(t, i);
  }
  for (auto& element : y) element /= sum;
  return y;
}

/// Throws where `found(i)` is not `expected` within what bf16 rounds.
template <class Found>
void expect_row(const std::string& name, const std::vector<double>& expected,
                const Found& found) {
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    difference += std::pow(found(i) - expected[i], 2);
    size += std::pow(expected[i], 2);
  }
  if (!(size > 0 && difference <= 1e-3 * size))
    throw std::runtime_error(name + " computes a wrong row");
}

}  // namespace troupe::bench
