// What a step of an engine will take, learned from those it made: what every
// step costs, since it reads all weights, and what each row adds. Says how many
// rows a step may have; measures nothing itself.
#pragma once

#include <cstdint>

namespace troupe {

/// A step beside answers that run aims at this: none of them stalls longer.
inline constexpr double kStepMs = 200;

/// A step that no answer waits for may take up to this, where shorter ones
/// would mostly read weights. Until it ends nothing new is admitted; a cancel
/// takes one op all the same.
inline constexpr double kLoneStepMs = 1'000;

/// The share of a step's time that a lone prompt gives to what every step
/// costs, where its time allows.
inline constexpr double kFixedShare = 1.0 / 16;

class StepRate {
 public:
  /// REQUIRES: rows > 0.
  void learn(std::int64_t rows, double took_ms);

  double ms_of(std::int64_t rows) const {
    return fixed_ms_ + row_ms_ * static_cast<double>(rows);
  }

  /// That fit into kStepMs, beside answers.
  double rows_in_time() const { return rows_within(kStepMs); }
  /// Of a step without answers: as many, or more until a step costs little
  /// beside its rows.
  double lone_rows() const;

 private:
  double rows_within(double ms) const { return (ms - fixed_ms_) / row_ms_; }

  double fixed_ms_ = 0;
  double row_ms_ = 5;  // A first guess.
  bool has_learned_ = false;
};

}  // namespace troupe
