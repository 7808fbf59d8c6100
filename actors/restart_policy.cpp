#include "actors/restart_policy.hpp"

#include <algorithm>

namespace troupe {

std::optional<SteadyMs> RestartPolicy::on_exit(const std::string& child,
                                               SteadyMs now) {
  auto& past = restarts_[child];
  while (!past.empty() && past.front() + limits_.period_ms <= now)
    past.pop_front();
  if (past.size() >= limits_.intensity) return std::nullopt;
  SteadyMs wait = past.empty() ? 0 : limits_.backoff_ms;
  for (std::size_t i = 1; i < past.size() && wait < limits_.max_backoff_ms; ++i)
    wait *= 2;
  wait = std::min(wait, limits_.max_backoff_ms);
  past.push_back(now + wait);
  return wait;
}

}  // namespace troupe
