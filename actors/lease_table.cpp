#include "actors/lease_table.hpp"

#include <algorithm>

namespace troupe {

std::uint32_t LeaseTable::add(Run run) {
  run.used = true;
  if (free_.empty()) {
    runs_.push_back(std::move(run));
    return static_cast<std::uint32_t>(runs_.size() - 1);
  }
  const std::uint32_t n = free_.back();
  free_.pop_back();
  runs_[n] = std::move(run);
  return n;
}

void LeaseTable::remove(std::uint32_t run) {
  runs_[run] = {};
  free_.push_back(run);
}

SteadyMs LeaseTable::due_at(const Run& run) {
  // Reservations are answered or refused by the shell; they have no lease.
  if (run.reserving) return kNever;
  if (run.stopping) return std::min(run.lease_until, run.stop_by);
  return std::min(run.lease_until, run.limit_at().value_or(kNever));
}

void LeaseTable::watch(std::uint32_t run) {
  next_check_ = std::min(next_check_, due_at(runs_[run]));
}

std::vector<std::uint32_t> LeaseTable::due(SteadyMs now) {
  std::vector<std::uint32_t> found;
  if (now < next_check_) return found;
  next_check_ = kNever;
  for (std::uint32_t n = 0; n < runs_.size(); ++n) {
    if (!runs_[n].used) continue;
    if (due_at(runs_[n]) <= now)
      found.push_back(n);
    else
      watch(n);
  }
  return found;
}

std::vector<std::uint32_t> LeaseTable::all() const {
  std::vector<std::uint32_t> found;
  for (std::uint32_t n = 0; n < runs_.size(); ++n)
    if (runs_[n].used) found.push_back(n);
  return found;
}

}  // namespace troupe
