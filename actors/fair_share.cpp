#include "actors/fair_share.hpp"

#include <algorithm>
#include <limits>

namespace troupe {

double FairShare::least_run() const {
  double least = std::numeric_limits<double>::max();
  for (const std::uint32_t tenant : active_)
    least = std::min(least, accounts_[tenant].used - accounts_[tenant].ahead);
  return least;
}

void FairShare::joined(std::uint32_t tenant) {
  if (tenant >= accounts_.size()) accounts_.resize(tenant + 1);
  Account& account = accounts_[tenant];
  if (account.jobs++ > 0) return;
  if (!active_.empty()) account.used = std::max(account.used, least_run());
  account.active_at = static_cast<std::uint32_t>(active_.size());
  active_.push_back(tenant);
}

void FairShare::left(std::uint32_t tenant) {
  Account& account = accounts_[tenant];
  if (--account.jobs > 0) return;
  account.ahead = 0;  // Nothing of it runs: what is left came from rounding.
  accounts_[active_.back()].active_at = account.active_at;
  active_[account.active_at] = active_.back();
  active_.pop_back();
}

void FairShare::charge(std::uint32_t tenant, double device_ms,
                       double ahead_ms) {
  accounts_[tenant].used += device_ms;
  accounts_[tenant].ahead += ahead_ms;
}

}  // namespace troupe
