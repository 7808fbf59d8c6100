// Amounts for people: short, rounded, never wider than a column. Scripts get
// numbers instead.
#pragma once

#include <cstdint>
#include <string>

#include "core/clock.hpp"

namespace troupe::render {

/// "0.4 s", "12 s", "3 min 05 s", "2 h 10 min", "5 d 3 h".
std::string duration(std::int64_t ms);
/// "0:07", "12:34", "1:02:03": for clocks that count down.
std::string clock(std::int64_t ms);
/// "17 B", "4.2 KiB", "1.3 GiB".
std::string bytes(std::uint64_t bytes);
/// "0.25", "4.2", "31", "1200": three digits are enough for a rate.
std::string number(double value);
/// "2026-11-21T09:32:41.123Z".
std::string utc(UnixMs time);
/// Local time: "11-21 09:32:41".
std::string local_time(UnixMs time);

}  // namespace troupe::render
