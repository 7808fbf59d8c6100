// Job ids: ULIDs, made by the client, used as the idempotency key. They sort
// by creation time, but no order in Troupe derives from them.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/clock.hpp"

namespace troupe {

/// 128 bits: 48 of unix milliseconds, 80 of randomness.
struct JobId {
  std::uint64_t hi = 0;
  std::uint64_t lo = 0;
  friend auto operator<=>(const JobId&, const JobId&) = default;
  explicit operator bool() const { return hi != 0 || lo != 0; }
};

/// 26 characters of Crockford's base 32, upper case.
std::string to_string(JobId id);

/// Accepts lower case; nothing for anything that is no ULID.
std::optional<JobId> parse_job_id(std::string_view text);

/// Draws ids that increase within one generator, also inside a millisecond.
/// Not thread-safe.
class JobIdGenerator {
 public:
  /// Both outlive this.
  JobIdGenerator(const WallClock& clock, Random& random)
      : clock_{clock}, random_{random} {}
  JobId next();

 private:
  const WallClock& clock_;
  Random& random_;
  JobId last_;
};

template <class Inspector>
bool inspect(Inspector& f, JobId& x) {
  if (f.has_human_readable_format()) {
    auto get = [&x] { return to_string(x); };
    auto set = [&x](const std::string& text) {
      auto id = parse_job_id(text);
      if (id) x = *id;
      return id.has_value();
    };
    return f.apply(get, set);
  }
  return f.object(x).fields(f.field("hi", x.hi), f.field("lo", x.lo));
}

}  // namespace troupe

template <>
struct std::hash<troupe::JobId> {
  std::size_t operator()(const troupe::JobId& id) const noexcept {
    // ids of one generator differ in few bits: mix before a table masks them.
    std::uint64_t x = id.hi * 0x9e3779b97f4a7c15ull ^ id.lo;
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93ull;
    return x ^ (x >> 32);
  }
};
