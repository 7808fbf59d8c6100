// What falls due in Schedule by time alone.
#include <algorithm>
#include <limits>

#include "actors/schedule_impl.hpp"

namespace troupe {

void Schedule::tick(Now now, Decisions& out) {
  Impl& s = *impl_;
  for (const std::uint32_t n : s.runs.due(now.steady)) s.check_run(n, now, out);
  while (!s.deadlines.empty() && s.deadlines.begin()->first <= now.wall) {
    const std::uint32_t slot = s.deadlines.begin()->second;
    s.deadlines.erase(s.deadlines.begin());
    JobSlot& job = s.slots[slot];
    if (job.stand == Stand::running) {
      if (!s.runs[job.next].stopping)
        s.order_stop(job.next, StopReason::expired, now, out);
      continue;
    }
    if (job.stand == Stand::reserving) s.take_back(job.next, now, out);
    s.finish(slot, {JobState::expired, {}, {}, {}}, now, out);
  }
  while (!s.not_befores.empty() && s.not_befores.begin()->first <= now.wall) {
    const std::uint32_t slot = s.not_befores.begin()->second;
    s.not_befores.erase(s.not_befores.begin());
    s.make_ready(slot, now);
  }
  s.send_idle_away(now, out);
  while (!s.back_offs.empty() && s.back_offs.begin()->first <= now.steady) {
    const std::uint32_t slot = s.back_offs.begin()->second;
    s.back_offs.erase(s.back_offs.begin());
    s.make_ready(slot, now);
  }
}

std::optional<SteadyMs> Schedule::next_wake(Now now) const {
  const Impl& s = *impl_;
  SteadyMs wake = s.runs.next_check();
  const auto wall = [&](const Timers& timers) {
    if (!timers.empty())
      wake = std::min(wake, now.steady + timers.begin()->first - now.wall);
  };
  if (s.turn_at) wake = std::min(wake, *s.turn_at);
  wake = std::min(wake, s.next_idle());
  wall(s.deadlines);
  wall(s.not_befores);
  if (!s.back_offs.empty()) wake = std::min(wake, s.back_offs.begin()->first);
  if (!s.lanes.active().empty())
    for (std::uint32_t d = 0; d < s.devices.size(); ++d)
      if (s.devices[d].refused_until > now.steady)
        wake = std::min(wake, s.devices[d].refused_until);
  if (wake == std::numeric_limits<SteadyMs>::max()) return std::nullopt;
  return std::max(wake, now.steady);
}

}  // namespace troupe
