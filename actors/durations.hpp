// How long attempts took, by kind, model and device class: the only source of
// expected times.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>

#include "core/clock.hpp"

namespace troupe {

/// Moving means of successful attempts; the newest count about a fifth.
class Durations {
 public:
  void saw(std::uint32_t kind, std::uint64_t model, std::uint32_t klass,
           SteadyMs ms);
  /// Of this kind, model and class; or else of the kind; or nothing.
  std::optional<double> mean_ms(std::uint32_t kind, std::uint64_t model,
                                std::uint32_t klass) const;
  std::optional<double> mean_ms(std::uint32_t kind) const;

  /// Combinations remembered; beyond it only kinds are measured.
  static constexpr std::size_t kMaxCells = 16'384;

 private:
  struct Cell {
    double mean_ms = 0;
    std::uint32_t n = 0;
  };
  static std::uint64_t key(std::uint32_t kind, std::uint64_t model,
                           std::uint32_t klass);

  std::unordered_map<std::uint64_t, Cell> cells_;
  std::unordered_map<std::uint32_t, Cell> kinds_;
};

}  // namespace troupe
