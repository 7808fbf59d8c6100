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
  // What is ahead of it at its age of then may be done by then; but those of
  // its own lane start one after the other.
  const auto own = lanes.count_before(lanes[job.lane], job.spec_index);
  const auto lifted =
      top + static_cast<std::int64_t>(mean_ms * static_cast<double>(own) /
                                      static_cast<double>(places));
  return std::min(wait,
                  std::max(lifted, wait_behind(count_ahead(slot, at(top)))));
}

std::string Schedule::Impl::who_may_pass(std::uint32_t slot, Now now) const {
  const JobSlot& job = slots[slot];
  const Need need = need_of(job);
  if (choose(slot, nullptr, now) != kNone) return {};  // It starts itself.
  std::string who;
  for (std::uint32_t n = 0; n < devices.size(); ++n) {
    const DeviceState& d = devices[n];
    if (!devices.could_take(d, need)) continue;
    if (n < holds.size() && holds[n].slot != kNone) continue;  // Nobody joins.
    for (const auto& r : d.residents)
      if (r.model != need.model && !r.leaving && r.users % r.batch != 0)
        who += (who.empty() ? "" : ", ") + models[r.model] + " on " +
               d.info.name + " (" + std::to_string(r.users) + " of " +
               std::to_string(r.slots() * r.batch) + ")";
  }
  if (who.empty()) return {};
  return "later jobs may start before it all the same where they join those "
         "that run with " +
         who + "; a device is held for it once it has waited for room for " +
         std::to_string(options.limits.hold_after_ms / 1'000) + " s";
}

bool Schedule::Impl::is_behind_overdue(std::uint32_t slot, Now now) const {
  const Need need = need_of(slots[slot]);
  bool some = false;
  for (const std::uint32_t n : runs.all()) {
    const Run& run = runs[n];
    const DeviceState& device = devices[run.device];
    if (!devices.could_take(device, need)) continue;
    const auto usual = expected_ms(slots[run.job], device);
    if (run.reserving || !usual) return false;
    const auto ran = now.steady - run.started - run.waited;
    if (!run.full_since && static_cast<double>(ran) < *usual) return false;
    some = true;
  }
  return some;
}

}  // namespace troupe
