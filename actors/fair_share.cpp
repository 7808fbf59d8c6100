#include "actors/fair_share.hpp"

#include <algorithm>

namespace troupe {

void FairShare::joined(std::uint32_t tenant) {
  if (tenant >= accounts_.size()) accounts_.resize(tenant + 1);
  Account& account = accounts_[tenant];
  if (account.jobs++ > 0) return;
  if (!active_.empty()) {
    double least = accounts_[active_.front()].used;
    for (const std::uint32_t other : active_)
      least = std::min(least, accounts_[other].used);
    account.used = std::max(account.used, least);
  }
  account.active_at = static_cast<std::uint32_t>(active_.size());
  active_.push_back(tenant);
}

void FairShare::left(std::uint32_t tenant) {
  Account& account = accounts_[tenant];
  if (--account.jobs > 0) return;
  accounts_[active_.back()].active_at = account.active_at;
  active_[account.active_at] = active_.back();
  active_.pop_back();
}

void FairShare::charge(std::uint32_t tenant, double device_ms) {
  accounts_[tenant].used += device_ms;
}

}  // namespace troupe
