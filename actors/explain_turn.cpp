// When a waiting job has its turn: what goes before it, and how long that
// takes.
#include <algorithm>

#include "actors/schedule_impl.hpp"

namespace troupe {

/// How many would start before `slot`, as things are.
std::uint64_t Schedule::Impl::count_ahead(std::uint32_t slot, Now now) const {
  const JobSlot& job = slots[slot];
  const Need need = need_of(job);
  const auto competes = [&](const Lane& lane) {
    if (lane_paused(lane)) return false;
    const Need other = need_of(slots[lanes.first(lane)]);
    for (std::uint32_t d = 0; d < devices.size(); ++d)
      if (devices.could_take(devices[d], need) &&
          devices.could_take(devices[d], other))
        return true;
    return false;
  };
  Levels levels;
  std::vector<std::uint32_t> others;
  for (const std::uint32_t n : lanes.active()) {
    if (n == job.lane || !competes(lanes[n])) continue;
    others.push_back(n);
    levels.saw(lanes[n].key.klass,
               effective(slots[lanes.first(lanes[n])], now));
  }
  const Lane& mine = lanes[job.lane];
  if (mine.count > 0)
    levels.saw(mine.key.klass, effective(slots[lanes.first(mine)], now));
  const Priority as = effective(job, now);
  const std::uint32_t tenant = mine.key.tenant;
  std::uint64_t own = lanes.count_before(mine, job.spec_index);
  for (const std::uint32_t n : others) {
    const Lane& lane = lanes[n];
    if (lane.key.tenant != tenant) continue;
    if (lane.key.klass > as)
      own += lane.count;
    else if (effective(slots[lanes.first(lane)], now) >= as)
      own += lanes.count_before(lane, job.spec_index);
  }
  std::uint64_t ahead = own;
  for (const std::uint32_t n : others) {
    const Lane& lane = lanes[n];
    if (lane.key.tenant == tenant) continue;
    const Priority level = levels[effective(slots[lanes.first(lane)], now)];
    if (level > levels[as]) ahead += lane.count;
    if (level != levels[as]) continue;
    const bool its_turn = share.used(lane.key.tenant) < share.used(tenant);
    ahead += std::min(lane.count, own + its_turn);
  }
  return ahead;
}

std::optional<std::int64_t> Schedule::Impl::expected_wait_ms(
    std::uint32_t slot, std::uint64_t ahead, double mean_ms, Now now) const {
  const JobSlot& job = slots[slot];
  const Need need = need_of(job);
  std::uint64_t places = 0, taken = 0;  // Of jobs like this one.
  for (std::uint32_t n = 0; n < devices.size(); ++n) {
    const DeviceState& d = devices[n];
    if (!devices.could_take(d, need)) continue;
    const auto* own = need.model == 0 ? nullptr : d.resident(need.model);
    const auto others = d.used_slots() - (own ? own->slots() : 0);
    places += std::uint64_t{d.info.slots} * need.batch(d);
    taken += std::uint64_t{others} * need.batch(d) + (own ? own->users : 0);
  }
  if (places == 0) return std::nullopt;
  const auto at = [now](SteadyMs later) {
    return Now{now.wall + later, now.steady + later};
  };
  const auto wait_behind = [&](std::uint64_t others) {
    const std::uint64_t turn = others + taken + 1;
    if (turn <= places) return std::int64_t{0};
    return static_cast<std::int64_t>(mean_ms *
                                     static_cast<double>(turn - places) /
                                     static_cast<double>(places));
  };
  const auto wait = wait_behind(ahead);
  const SteadyMs step = options.limits.ageing_step_ms;
  if (step <= 0 || effective(job, now) == Priority::high) return wait;
  // At the top its turn is sure; on the way there those behind it age, too.
  const SteadyMs waited = std::max<SteadyMs>(0, now.steady - job.since);
  auto top = step - waited % step;
  while (top < wait && effective(job, at(top)) < Priority::high) top += step;
  // What is ahead of it at its age of then may be done by then.
  return std::min(wait, std::max(top, wait_behind(count_ahead(slot, at(top)))));
}

}  // namespace troupe
