#include "actors/queue_order.hpp"

#include <algorithm>
#include <bit>

namespace troupe {

constexpr auto kNone = JobSlots::kNone;

std::uint32_t Lanes::lane_of(LaneKey key) {
  if (lanes_.size() >= kExactLanes && !by_key_.contains(key))
    key.memory_bytes = std::bit_floor(key.memory_bytes);
  const auto [at, is_new] =
      by_key_.try_emplace(key, static_cast<std::uint32_t>(lanes_.size()));
  if (is_new) lanes_.emplace_back().key = key;
  return at->second;
}

void Lanes::append(Lane& lane, std::uint32_t slot) {
  JobSlot& job = slots_[slot];
  job.late = false;
  job.prev = lane.tail;
  job.next = kNone;
  (lane.tail == kNone ? lane.head : slots_[lane.tail].next) = slot;
  lane.tail = slot;
}

void Lanes::unlink(Lane& lane, std::uint32_t slot) {
  JobSlot& job = slots_[slot];
  (job.prev == kNone ? lane.head : slots_[job.prev].next) = job.next;
  (job.next == kNone ? lane.tail : slots_[job.next].prev) = job.prev;
  job.next = job.prev = kNone;
}

void Lanes::add_late(Lane& lane, std::uint32_t slot) {
  JobSlot& job = slots_[slot];
  job.late = true;
  job.next = job.prev = kNone;
  lane.late.emplace(job.spec_index, slot);
  lane.late_since.emplace(job.since, slot);
}

void Lanes::enter(std::uint32_t slot) {
  const JobSlot& job = slots_[slot];
  Lane& lane = lanes_[job.lane];
  if (lane.tail != kNone && slots_[lane.tail].spec_index > job.spec_index) {
    add_late(lane, slot);
  } else {
    // Younger ones with a lower index came back: few, and moved once each.
    while (lane.tail != kNone && slots_[lane.tail].since > job.since) {
      const std::uint32_t younger = lane.tail;
      unlink(lane, younger);
      add_late(lane, younger);
    }
    append(lane, slot);
  }
  if (lane.count++ == 0) {
    lane.active_at = static_cast<std::uint32_t>(active_.size());
    active_.push_back(job.lane);
  }
}

void Lanes::leave(std::uint32_t slot) {
  JobSlot& job = slots_[slot];
  Lane& lane = lanes_[job.lane];
  if (job.late) {
    lane.late.erase({job.spec_index, slot});
    lane.late_since.erase({job.since, slot});
    job.late = false;
  } else {
    unlink(lane, slot);
  }
  if (--lane.count > 0) return;
  lanes_[active_.back()].active_at = lane.active_at;
  active_[lane.active_at] = active_.back();
  active_.pop_back();
  lane.active_at = kNone;
}

std::uint32_t Lanes::first(const Lane& lane) const {
  if (lane.late.empty()) return lane.head;
  const auto [index, slot] = *lane.late.begin();
  return lane.head != kNone && slots_[lane.head].spec_index < index ? lane.head
                                                                    : slot;
}

SteadyMs Lanes::oldest_since(const Lane& lane) const {
  if (lane.head == kNone) return lane.late_since.begin()->first;
  const SteadyMs since = slots_[lane.head].since;
  return lane.late_since.empty()
             ? since
             : std::min(since, lane.late_since.begin()->first);
}

std::uint64_t Lanes::count_before(const Lane& lane,
                                  std::uint64_t spec_index) const {
  std::uint64_t n = 0;
  for (const auto& [index, slot] : lane.late) {
    if (index >= spec_index || n == kExactCount) break;
    ++n;
  }
  std::uint32_t at = lane.head;
  for (; at != kNone && slots_[at].spec_index < spec_index; ++n) {
    if (n >= kExactCount) break;
    at = slots_[at].next;
  }
  if (at == kNone || slots_[at].spec_index >= spec_index) return n;
  const double from = static_cast<double>(slots_[lane.head].spec_index);
  const double to = static_cast<double>(slots_[lane.tail].spec_index);
  const double part =
      to > from ? (static_cast<double>(spec_index) - from) / (to - from) : 1;
  return std::max(
      n, static_cast<std::uint64_t>(std::min(1.0, part) *
                                    static_cast<double>(lane.count - 1)));
}

Priority effective_class(Priority klass, SteadyMs since, SteadyMs now,
                         SteadyMs step_ms) {
  if (step_ms <= 0 || now <= since) return klass;
  const std::int64_t lifted =
      static_cast<std::int64_t>(klass) + (now - since) / step_ms;
  return static_cast<Priority>(
      std::min(lifted, static_cast<std::int64_t>(Priority::high)));
}

void Levels::saw(Priority entered, Priority effective) {
  for (auto p = static_cast<std::size_t>(entered); p < reached_.size(); ++p)
    reached_[p] = std::max(reached_[p], effective);
}

Priority Levels::operator[](Priority effective) const {
  return reached_[static_cast<std::size_t>(effective)];
}

}  // namespace troupe
