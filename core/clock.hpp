// Time and chance come from outside, so that a test can hold both in its hand.
#pragma once

#include <cstdint>
#include <memory>

namespace troupe {

/// Wall time in unix milliseconds: only for what people state or read.
using UnixMs = std::int64_t;
/// Steady milliseconds since an arbitrary start: leases, timeouts, back-off.
using SteadyMs = std::int64_t;

/// Implementations are safe to call from every thread.
class WallClock {
 public:
  virtual ~WallClock() = default;
  virtual UnixMs now() const = 0;
};

class SteadyClock {
 public:
  virtual ~SteadyClock() = default;
  virtual SteadyMs now() const = 0;
  /// The same in microseconds, for what is told of short spans. Clocks that
  /// know milliseconds only say those.
  virtual std::int64_t now_us() const { return now() * 1'000; }
};

/// Not thread-safe; one per owner.
class Random {
 public:
  virtual ~Random() = default;
  virtual std::uint64_t next() = 0;
};

const WallClock& system_wall_clock();
const SteadyClock& system_steady_clock();
/// Seeded by the operating system.
std::unique_ptr<Random> system_random();
/// splitmix64: the same seed draws the same numbers everywhere.
std::unique_ptr<Random> seeded_random(std::uint64_t seed);

}  // namespace troupe
