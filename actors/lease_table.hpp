// The current attempts: which device they hold, until when their lease lasts,
// and what stops them.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "actors/executor.hpp"
#include "core/clock.hpp"

namespace troupe {

struct Run {
  std::uint32_t job = 0;  // Slot.
  std::uint32_t device = 0;
  std::uint64_t memory_bytes = 0;  // Its own.
  std::uint32_t model = 0;         // It shares; 0: none.
  std::uint64_t model_bytes = 0;
  bool reserving = false;  // Not started: memory was asked for.
  SteadyMs started = 0;
  SteadyMs lease_until = 0;
  std::optional<SteadyMs> timeout_at;
  std::optional<SteadyMs> full_since;  // It waits in its engine.
  SteadyMs waited = 0;                 // It waited there, before that.
  std::optional<StopReason> stopping;  // A stop order is out ...
  SteadyMs stop_by = 0;                // ... and ends the attempt by then.
  double expected_ms = 0;              // Charged for at least; 0: it is over.
  double charged = 0;                  // To the tenant, device-milliseconds.
  double ahead = 0;                    // Of `charged`: not run yet.
  std::string decision;                // JSON: what was chosen from.
  bool used = false;

  /// When its time limit is over: never while it waits in its engine.
  std::optional<SteadyMs> limit_at() const {
    return full_since ? std::nullopt : timeout_at;
  }
};

/// Runs by number; numbers are reused.
class LeaseTable {
 public:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  std::uint32_t add(Run run);
  void remove(std::uint32_t run);
  Run& operator[](std::uint32_t run) { return runs_[run]; }
  const Run& operator[](std::uint32_t run) const { return runs_[run]; }

  /// Invariant: no lease, timeout or stop of a run is due before this.
  SteadyMs next_check() const { return next_check_; }
  /// The run's times were set or brought forward.
  void watch(std::uint32_t run);
  /// Runs with something due at `now`; next_check is right again once each
  /// of them was dealt with and watched, or removed.
  std::vector<std::uint32_t> due(SteadyMs now);

  /// Numbers of those in use.
  std::vector<std::uint32_t> all() const;

 private:
  static constexpr SteadyMs kNever = std::numeric_limits<SteadyMs>::max();
  static SteadyMs due_at(const Run& run);

  std::vector<Run> runs_;
  std::vector<std::uint32_t> free_;
  SteadyMs next_check_ = kNever;
};

}  // namespace troupe
