#include "actors/job_traits.hpp"

#include <functional>
#include <tuple>

namespace troupe {
namespace {

std::uint64_t hash_of(std::uint64_t model, const RetryPolicy& r, OnLost lost) {
  std::uint64_t h = model;
  for (const std::uint64_t word :
       {std::uint64_t{r.max_attempts}, static_cast<std::uint64_t>(r.backoff_ms),
        static_cast<std::uint64_t>(r.max_backoff_ms),
        std::uint64_t{r.on_command_failure}, static_cast<std::uint64_t>(lost)})
    h = (h ^ word) * 0x9fb21c651e98df25ull + (h >> 32);
  return h;
}

bool same(const JobTraits& t, const JobSpec& spec) {
  const auto key = [](const RetryPolicy& r) {
    return std::tie(r.max_attempts, r.backoff_ms, r.max_backoff_ms,
                    r.on_command_failure);
  };
  return t.model == spec.model && key(t.retry) == key(spec.retry) &&
         t.on_lost == spec.on_lost;
}

}  // namespace

std::uint32_t TraitsTable::acquire(const JobSpec& spec) {
  const std::uint64_t model = std::hash<std::string>{}(spec.model);
  const std::uint64_t hash = hash_of(model, spec.retry, spec.on_lost);
  if (const auto at = by_hash_.find(hash);
      at != by_hash_.end() && same(traits_[at->second], spec)) {
    ++traits_[at->second].jobs;
    return at->second;
  }
  std::uint32_t n = static_cast<std::uint32_t>(traits_.size());
  if (free_.empty()) {
    traits_.emplace_back();
  } else {
    n = free_.back();
    free_.pop_back();
  }
  traits_[n] = {spec.model, model, spec.retry, spec.on_lost, 1};
  by_hash_[hash] = n;  // Of two with one hash, the newer is shared.
  return n;
}

void TraitsTable::release(std::uint32_t traits) {
  JobTraits& t = traits_[traits];
  if (--t.jobs > 0) return;
  const auto at = by_hash_.find(hash_of(t.model_hash, t.retry, t.on_lost));
  if (at != by_hash_.end() && at->second == traits) by_hash_.erase(at);
  t = {};
  free_.push_back(traits);
}

}  // namespace troupe
