// Who is next in line. Jobs that are alike for placement (class, tenant, kind,
// wanted device, memory) stand in one lane, first come first served by commit
// index; choosing looks at the lanes' heads alone, so its cost does not grow
// with the queue.
#pragma once

#include <array>
#include <cstdint>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "actors/job_slots.hpp"

namespace troupe {

struct LaneKey {
  Priority klass = Priority::normal;
  std::uint32_t tenant = 0;
  std::uint32_t kind = 0;
  std::uint32_t place = 0;  // Wanted device or device class; 0: any.
  std::uint64_t memory_bytes = 0;
  std::uint32_t model = 0;  // Whose memory it shares; 0: none's.
  friend bool operator==(const LaneKey&, const LaneKey&) = default;
};

struct LaneKeyHash {
  std::size_t operator()(const LaneKey& k) const {
    std::uint64_t x = std::uint64_t{k.tenant} << 32 | k.kind;
    x = x * 0x9e3779b97f4a7c15ull ^
        (std::uint64_t{k.place} << 8 | static_cast<std::uint8_t>(k.klass));
    x = (x ^ k.memory_bytes) * 0x9fb21c651e98df25ull;
    x ^= std::uint64_t{k.model} << 17;
    x ^= x >> 29;
    x *= 0xd6e8feb86659fd93ull;
    return x ^ x >> 32;
  }
};

/// First in, first out by spec_index. New jobs append to a list through their
/// slots; those that come back (retry, unblocked, not-before) may have a lower
/// index, or be younger than one with a higher, and stand in sets.
/// Invariant: along the list neither spec_index nor since ever falls.
struct Lane {
  LaneKey key;
  std::uint32_t head = JobSlots::kNone;
  std::uint32_t tail = JobSlots::kNone;
  std::set<std::pair<std::uint64_t, std::uint32_t>> late;  // By index.
  std::set<std::pair<SteadyMs, std::uint32_t>> late_since;
  std::uint64_t count = 0;
  std::uint32_t active_at = JobSlots::kNone;  // Place in Lanes::active().
  // Since when its first job lacks memory everywhere, and the device it holds.
  std::uint32_t misfit_job = JobSlots::kNone;
  SteadyMs misfit_since = 0;
  std::uint32_t held_device = JobSlots::kNone;
};

class Lanes {
 public:
  explicit Lanes(JobSlots& slots) : slots_{slots} {}

  /// Beyond kExactLanes lanes, a new one is for a power of two of memory: its
  /// jobs still go one after the other, so a smaller one may wait for a bigger.
  std::uint32_t lane_of(LaneKey key);
  static constexpr std::size_t kExactLanes = 4'096;
  /// Into the slot's own lane. REQUIRES: stand is not queued.
  void enter(std::uint32_t slot);
  /// REQUIRES: it is in its lane.
  void leave(std::uint32_t slot);

  /// kNone: empty.
  std::uint32_t first(const Lane& lane) const;
  /// Since when the oldest waits that stands in `lane`: the first one counts
  /// as old as that, as those behind it cannot pass. REQUIRES: not empty.
  SteadyMs oldest_since(const Lane& lane) const;
  Lane& operator[](std::uint32_t lane) { return lanes_[lane]; }
  const Lane& operator[](std::uint32_t lane) const { return lanes_[lane]; }
  /// Lanes that are not empty, in no order.
  const std::vector<std::uint32_t>& active() const { return active_; }
  std::size_t size() const { return lanes_.size(); }

  /// Jobs of `lane` whose index is below `spec_index`: exact up to
  /// kExactCount, beyond that by proportion.
  std::uint64_t count_before(const Lane& lane, std::uint64_t spec_index) const;
  static constexpr std::uint64_t kExactCount = 10'000;

 private:
  void append(Lane& lane, std::uint32_t slot);
  void unlink(Lane& lane, std::uint32_t slot);
  void add_late(Lane& lane, std::uint32_t slot);

  JobSlots& slots_;
  std::vector<Lane> lanes_;
  std::unordered_map<LaneKey, std::uint32_t, LaneKeyHash> by_key_;
  std::vector<std::uint32_t> active_;
};

/// The class a job that waits since `since` stands in: one higher for each
/// step, at most high. A step of 0 or less: no ageing.
Priority effective_class(Priority klass, SteadyMs since, SteadyMs now,
                         SteadyMs step_ms);

/// Where each effective class competes: at least at its own level, and raised
/// to what a startable job that entered at or below it has aged to.
class Levels {
 public:
  void saw(Priority entered, Priority effective);
  Priority operator[](Priority effective) const;

 private:
  std::array<Priority, 4> reached_{Priority::low, Priority::low,
                                   Priority::normal, Priority::high};
};

/// The order of starts; lower goes first.
struct Rank {
  Priority level = Priority::normal;
  double used = 0;  // The tenant's.
  Priority effective = Priority::normal;
  std::uint64_t spec_index = 0;

  friend bool operator<(const Rank& a, const Rank& b) {
    if (a.level != b.level) return a.level > b.level;
    if (a.used != b.used) return a.used < b.used;
    if (a.effective != b.effective) return a.effective > b.effective;
    return a.spec_index < b.spec_index;
  }
};

}  // namespace troupe
