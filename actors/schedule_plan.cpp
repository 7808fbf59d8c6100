// What Schedule starts next, and where.
#include <algorithm>
#include <limits>

#include "actors/schedule_impl.hpp"

namespace troupe {

Need Schedule::Impl::need_of(const JobSlot& job) const {
  const LaneKey& key = key_of(job);
  return {key.kind, key.place, job.memory_bytes, key.model,
          key.model == 0 ? nullptr : &model_sizes[key.model]};
}

Priority Schedule::Impl::effective(const JobSlot& job, Now now) const {
  const Lane& lane = lanes[job.lane];
  const bool leads =
      job.stand == Stand::queued && &slots[lanes.first(lane)] == &job;
  return effective_class(
      lane.key.klass, leads ? lanes.oldest_since(lane) : job.since, now.steady,
      options.defects.no_ageing ? 0 : options.limits.ageing_step_ms);
}

bool Schedule::Impl::lane_paused(const Lane& lane) const {
  return !paused_kinds.empty() && paused_kinds.contains(lane.key.kind);
}

std::optional<double> Schedule::Impl::expected_ms(
    const JobSlot& job, const DeviceState& device) const {
  return durations.mean_ms(key_of(job).kind, traits[job.traits].model_hash,
                           device.klass);
}

std::uint32_t Schedule::Impl::choose(std::uint32_t slot, const Rank* rank,
                                     Now now) const {
  const JobSlot& job = slots[slot];
  const Need need = need_of(job);
  const JobExtra* x = find_extra(slot);
  struct Choice {
    bool avoided;
    bool loads;  // The model is not there yet.
    double expected_ms;
    double load;
  };
  std::uint32_t best = kNone;
  Choice best_choice{};
  for (std::uint32_t n = 0; n < devices.size(); ++n) {
    const DeviceState& d = devices[n];
    if (!d.has_slot(need) || !devices.could_take(d, need) ||
        !devices.has_memory(d, need, now.steady))
      continue;
    if (rank && holds[n].slot != kNone && holds[n].slot != slot &&
        holds[n].rank < *rank)
      continue;
    if (devices.size() == 1) return n;
    const Choice choice{x && x->avoid_device == n,
                        need.model != 0 && !d.resident(need.model),
                        expected_ms(job, d).value_or(0), d.load_with(need)};
    const auto key = [](const Choice& c) {
      return std::tie(c.avoided, c.loads, c.expected_ms, c.load);
    };
    if (best != kNone && !(key(choice) < key(best_choice))) continue;
    best = n;
    best_choice = choice;
  }
  return best;
}

Rank Schedule::Impl::rank_of(std::uint32_t slot, Now now) const {
  const JobSlot& job = slots[slot];
  const Priority as = effective(job, now);
  return {levels[as], share.used(key_of(job).tenant), as, job.spec_index};
}

void Schedule::Impl::watch_misfit(Lane& lane, Now now) {
  const std::uint32_t slot = lanes.first(lane);
  if (!devices.lacks_room(need_of(slots[slot]), now.steady)) {
    lane.misfit_job = kNone;
  } else if (lane.misfit_job != slot) {
    lane.misfit_job = slot;
    lane.misfit_since = now.steady;
    lane.held_device = kNone;
  }
}

void Schedule::Impl::measure_levels(Now now) {
  levels = {};
  for (const std::uint32_t n : lanes.active()) {
    Lane& lane = lanes[n];
    if (lane_paused(lane)) {
      lane.misfit_job = kNone;
      continue;
    }
    const std::uint32_t slot = lanes.first(lane);
    if (choose(slot, nullptr, now) == kNone) {
      watch_misfit(lane, now);
      // One that waits long enough to hold a device counts like the others.
      if (lane.misfit_job != slot ||
          now.steady - lane.misfit_since < options.limits.hold_after_ms)
        continue;
    } else {
      lane.misfit_job = kNone;
    }
    levels.saw(lane.key.klass, effective(slots[slot], now));
  }
}

void Schedule::Impl::hold_devices(Now now) {
  holds.assign(devices.size(), {});
  std::vector<std::pair<Rank, std::uint32_t>> waiting;
  for (const std::uint32_t n : lanes.active()) {
    const Lane& lane = lanes[n];
    if (lane.misfit_job == kNone || lane.misfit_job != lanes.first(lane) ||
        now.steady - lane.misfit_since < options.limits.hold_after_ms)
      continue;
    waiting.emplace_back(rank_of(lanes.first(lane), now), n);
  }
  std::ranges::sort(
      waiting, [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [rank, n] : waiting) {
    Lane& lane = lanes[n];
    const std::uint32_t slot = lanes.first(lane);
    const auto free_to_hold = [&](std::uint32_t d) {
      return holds[d].slot == kNone &&
             devices.could_take(devices[d], need_of(slots[slot]));
    };
    // Stays with the device it held before: changing over would never end.
    if (lane.held_device == kNone || !free_to_hold(lane.held_device)) {
      lane.held_device = kNone;
      for (std::uint32_t d = 0; d < devices.size(); ++d)
        if (free_to_hold(d) &&
            (lane.held_device == kNone ||
             devices[d].free_bytes() > devices[lane.held_device].free_bytes()))
          lane.held_device = d;
    }
    if (lane.held_device == kNone) continue;
    holds[lane.held_device] = {slot, rank};
  }
}

SteadyMs Schedule::Impl::next_turn(Now now) const {
  const SteadyMs step = options.limits.ageing_step_ms;
  SteadyMs next = std::numeric_limits<SteadyMs>::max();
  for (const std::uint32_t n : lanes.active()) {
    const Lane& lane = lanes[n];
    if (lane_paused(lane)) continue;
    if (lane.misfit_job != kNone &&
        lane.misfit_since + options.limits.hold_after_ms > now.steady)
      next = std::min(next, lane.misfit_since + options.limits.hold_after_ms);
    const JobSlot& job = slots[lanes.first(lane)];
    if (step <= 0 || effective(job, now) == Priority::high) continue;
    const SteadyMs since = lanes.oldest_since(lane);
    const SteadyMs steps = std::max<SteadyMs>(0, now.steady - since) / step;
    next = std::min(next, since + (steps + 1) * step);
  }
  return next;
}

void Schedule::plan(Now now, Decisions& out) {
  Impl& s = *impl_;
  s.turn_at.reset();
  if (s.paused || s.lanes.active().empty() || !s.devices.any_slot()) return;
  s.measure_levels(now);
  s.hold_devices(now);

  using Entry = std::pair<Rank, std::uint32_t>;
  std::vector<Entry> heap;
  for (const std::uint32_t n : s.lanes.active())
    if (!s.lane_paused(s.lanes[n]))
      heap.emplace_back(s.rank_of(s.lanes.first(s.lanes[n]), now), n);
  const auto later = [](const Entry& a, const Entry& b) {
    return b.first < a.first;
  };
  std::ranges::make_heap(heap, later);
  const bool some_held = std::ranges::any_of(
      s.holds, [](const Impl::Hold& h) { return h.slot != Impl::kNone; });
  bool kept_back = false;
  while (!heap.empty()) {
    std::ranges::pop_heap(heap, later);
    const std::uint32_t n = heap.back().second;
    const std::uint32_t slot = s.lanes.first(s.lanes[n]);
    // Its tenant may have started others since it was ranked.
    const Rank rank = s.rank_of(slot, now);
    if (heap.back().first < rank) {
      heap.back().first = rank;
      std::ranges::push_heap(heap, later);
      continue;
    }
    const std::uint32_t device = s.choose(slot, &rank, now);
    if (device == Impl::kNone) {
      s.watch_misfit(s.lanes[n], now);
      s.make_room(slot, rank, out);
      kept_back = kept_back ||
                  (some_held && s.choose(slot, nullptr, now) != Impl::kNone);
      heap.pop_back();
      continue;
    }
    s.begin(slot, device, now, out);
    if (s.lanes[n].count == 0) {
      heap.pop_back();
    } else {
      heap.back().first = s.rank_of(s.lanes.first(s.lanes[n]), now);
      std::ranges::push_heap(heap, later);
    }
    if (!s.devices.any_slot()) return;
  }
  if (kept_back) s.turn_at = s.next_turn(now);
}

}  // namespace troupe
