#include "models/step_rate.hpp"

#include <algorithm>

namespace troupe {
namespace {

// Rows of a step that tells as much of a row's cost as of the fixed one.
constexpr double kScale = 64;
constexpr double kLeastRowMs = 0.001;

}  // namespace

// Each step moves both numbers the shortest way (rows in units of kScale)
// toward where it would have been foreseen, after the first one half of it:
// steps of different sizes lead to both numbers, and steps of one size, which
// cannot tell them apart, at least to their own time.
void StepRate::learn(std::int64_t rows, double took_ms) {
  const double error = took_ms - ms_of(rows);
  const double size = static_cast<double>(rows) / kScale;
  const double part = (has_learned_ ? 0.5 : 1.0) * error / (1 + size * size);
  has_learned_ = true;
  fixed_ms_ += part;
  row_ms_ = std::max(row_ms_ + part * size / kScale, kLeastRowMs);
  if (fixed_ms_ >= 0) return;
  // A step cannot cost less than nothing: then all of it is its rows'.
  row_ms_ =
      std::max(row_ms_ + fixed_ms_ / static_cast<double>(rows), kLeastRowMs);
  fixed_ms_ = 0;
}

double StepRate::lone_rows() const {
  const double worth = fixed_ms_ * (1 / kFixedShare - 1) / row_ms_;
  return std::max(rows_in_time(), std::min(worth, rows_within(kLoneStepMs)));
}

}  // namespace troupe
