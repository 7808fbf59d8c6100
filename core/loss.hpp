// Why an attempt was lost: taken from its job, which did not fail by itself.
// They are reasons of failures, and stand in the history for ever.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace troupe {

/// An orderly stop of the node: the job is tried again, and no retry is used;
/// with on_lost: fail it fails.
inline constexpr std::string_view kNodeShutdown = "node_shutdown";
/// What watched over the attempt was killed: a failure as others, but an
/// attempt that is lost, too.
inline constexpr std::string_view kGuardLost = "guard_lost";
inline constexpr std::string_view kNodeCrashed = "node_crashed";
inline constexpr std::string_view kDeviceLost = "device_lost";
/// Nothing was heard of the attempt for too long.
inline constexpr std::string_view kLeaseLost = "lease_lost";
/// It did not end when it was told to.
inline constexpr std::string_view kNotStopped = "not_stopped";

inline bool is_loss(std::string_view reason) {
  constexpr std::array kLosses{kNodeShutdown, kGuardLost, kNodeCrashed,
                               kDeviceLost,   kLeaseLost, kNotStopped};
  return std::ranges::find(kLosses, reason) != kLosses.end();
}

}  // namespace troupe
