// Who used how much: start-time fair queuing over measured use. A tenant's
// account grows by device-milliseconds; the lowest account goes next.
#pragma once

#include <cstdint>
#include <vector>

namespace troupe {

/// A tenant that was idle starts level with the least-used of those that are
/// active, so nobody saves up credit; its debts stay. Level with what has run:
/// charges for time to come may be given back, and would stay its debt alone.
class FairShare {
 public:
  /// The tenant has one more, or one less, job that waits or runs.
  void joined(std::uint32_t tenant);
  void left(std::uint32_t tenant);
  /// The account changes by `device_ms`, and what of it is for time to come by
  /// `ahead_ms`.
  void charge(std::uint32_t tenant, double device_ms, double ahead_ms);

  double used(std::uint32_t tenant) const { return accounts_[tenant].used; }
  bool active(std::uint32_t tenant) const {
    return tenant < accounts_.size() && accounts_[tenant].jobs > 0;
  }
  /// Tenants that have jobs.
  const std::vector<std::uint32_t>& active() const { return active_; }

 private:
  struct Account {
    double used = 0;
    double ahead = 0;  // Of `used`: expected, not run yet.
    std::uint64_t jobs = 0;
    std::uint32_t active_at = 0;
  };

  /// What the least-used active tenant has run. REQUIRES: one is active.
  double least_run() const;

  std::vector<Account> accounts_;  // By tenant.
  std::vector<std::uint32_t> active_;
};

}  // namespace troupe
