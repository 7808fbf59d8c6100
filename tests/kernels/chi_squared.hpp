// Whether draws follow a distribution: Pearson's chi-squared over bins of at
// least ten expected draws.
#pragma once

#include <cmath>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

namespace troupe::kernels {

inline constexpr double kLeastExpected = 10;

// P(X >= x) of a chi-squared variable: the regularised gamma function by its
// series below the mean and Lentz's continued fraction above it.
inline double chi_squared_tail(double x, double freedom) {
  const double a = freedom / 2;
  x /= 2;
  if (x <= 0) return 1;
  const double front = std::exp(a * std::log(x) - x - std::lgamma(a));
  if (x < a + 1) {
    double term = 1 / a, sum = term;
    for (double n = a + 1; term > sum * 1e-15; ++n) sum += term *= x / n;
    return 1 - sum * front;
  }
  double b = x + 1 - a, c = 1e300, d = 1 / b, h = d;
  for (int i = 1; i < 100'000; ++i) {
    const double an = -i * (i - a);
    b += 2;
    d = 1 / (an * d + b);
    c = b + an / c;
    h *= d * c;
    if (std::abs(d * c - 1) < 1e-14) break;
  }
  return front * h;
}

/// The p-value of `counts` under `expected` probabilities; 0 where something
/// was drawn that never is.
inline double p_value(const std::vector<std::int64_t>& counts,
                      const std::vector<double>& expected) {
  const auto draws =
      std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
  std::vector<std::pair<double, double>> bins;  // Expected, drawn.
  double wanted = 0, drawn = 0;
  for (std::size_t id = 0; id < counts.size(); ++id) {
    if (expected[id] == 0 && counts[id] > 0) return 0;
    wanted += expected[id] * static_cast<double>(draws);
    drawn += static_cast<double>(counts[id]);
    if (wanted < kLeastExpected) continue;
    bins.emplace_back(std::exchange(wanted, 0), std::exchange(drawn, 0));
  }
  bins.back().first += wanted;
  bins.back().second += drawn;
  double x = 0;
  for (const auto& [e, n] : bins) x += (n - e) * (n - e) / e;
  if (bins.size() == 1) return 1;
  return chi_squared_tail(x, static_cast<double>(bins.size() - 1));
}

}  // namespace troupe::kernels
