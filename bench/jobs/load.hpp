// What both sides are given to do.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace troupe::bench {

/// `count` strings of 200 random printable characters: as good as
/// incompressible, and valid inside JSON.
std::vector<std::string> payloads(int count);

inline constexpr int kInFlight = 100;      // Unanswered submits.
inline constexpr int kMaxWaiting = 2'000;  // Submitted, not complete.

}  // namespace troupe::bench
