// When a supervisor restarts a child and when it gives up: one_for_one with
// intensity and period, as OTP has it, and a growing pause between restarts.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include "core/clock.hpp"

namespace troupe {

struct RestartLimits {
  std::uint32_t intensity = 8;  // Restarts of one child within `period_ms`;
  SteadyMs period_ms = 60'000;  // one more and the supervisor escalates.
  SteadyMs backoff_ms = 50;     // Before the second restart; then doubled.
  SteadyMs max_backoff_ms = 5'000;
};

/// Counts each child by itself. Invariant: at most `intensity` restarts of a
/// child lie in any window of `period_ms`.
class RestartPolicy {
 public:
  explicit RestartPolicy(RestartLimits limits) : limits_{limits} {}

  /// The child ended unasked: milliseconds to wait before its restart (the
  /// first restart in a period is at once), or nothing: escalate.
  std::optional<SteadyMs> on_exit(const std::string& child, SteadyMs now);

 private:
  RestartLimits limits_;
  std::map<std::string, std::deque<SteadyMs>> restarts_;
};

}  // namespace troupe
