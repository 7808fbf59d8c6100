// The live jobs in memory: small fixed records in chunks, found by id through
// a table of 4-byte entries. A million jobs wait here, so a record is 80
// bytes; what few jobs have (deadlines, dependencies) stands beside it.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/clock.hpp"
#include "core/id.hpp"
#include "core/job.hpp"

namespace troupe {

/// Where a live job stands; finer than its JobState.
enum class Stand : std::uint8_t {
  pending = 1,  // Its `submitted` is not yet durable.
  blocked,
  delayed,    // Queued: not-before or back-off.
  queued,     // Queued: in its lane.
  reserving,  // Queued: memory was asked for.
  running,
  ended,  // Its `ended` is not yet durable.
};
inline constexpr std::size_t kStands = 8;

struct JobSlot {
  JobId id;
  std::uint64_t content = 0;  // content_hash.
  std::uint64_t memory_bytes = 0;
  std::uint64_t spec_index = 0;
  SteadyMs since = 0;      // It could start, but for room: its age.
  std::uint32_t next = 0;  // In its lane; while reserving or running: its run.
  std::uint32_t prev = 0;
  std::uint32_t lane = 0;
  std::uint32_t traits = 0;
  std::uint32_t seq = 0;
  std::uint32_t attempt = 0;
  std::uint16_t failures = 0;
  std::uint8_t crashes = 0;
  Stand stand{};                       // Zero: a free slot.
  JobState end = JobState::succeeded;  // While ended.
  bool late : 1 = false;               // In its lane's sets of late ones.
  bool extra : 1 = false;              // Has a JobExtra.
  bool cancel : 1 = false;             // Cancel was asked for.
  bool had_dependencies : 1 = false;   // Was submitted as blocked.
};
static_assert(sizeof(JobSlot) == 80);

/// Slots by number and by id. Numbers are reused; ids are unique.
class JobSlots {
 public:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};
  static constexpr std::uint32_t kMaxSlots = (1u << 27) - 1;

  /// A zeroed slot with this id.
  /// REQUIRES: find(id) == kNone.
  std::uint32_t add(JobId id);
  void remove(std::uint32_t slot);
  std::uint32_t find(JobId id) const;

  JobSlot& operator[](std::uint32_t slot) {
    return chunks_[slot / kChunk][slot % kChunk];
  }
  const JobSlot& operator[](std::uint32_t slot) const {
    return chunks_[slot / kChunk][slot % kChunk];
  }
  std::size_t size() const { return size_; }
  std::size_t memory_bytes() const;

 private:
  static constexpr std::uint32_t kChunk = 4096;
  // The table is nearly full at times, and a look at a slot is a cache miss:
  // five bits of the hash beside its number spare most of those of others.
  static constexpr std::uint32_t kNumberBits = 27;
  static constexpr std::uint32_t kNumberMask = (1u << kNumberBits) - 1;

  std::size_t home(std::uint64_t hash) const {
    return hash & (table_.size() - 1);
  }
  /// The slot of an entry that is not empty.
  static std::uint32_t slot_of(std::uint32_t entry) {
    return (entry & kNumberMask) - 1;
  }
  void grow();
  void place(std::uint32_t slot);

  std::vector<std::unique_ptr<JobSlot[]>> chunks_;
  // Tag and slot + 1; 0: empty. Linear probing.
  std::vector<std::uint32_t> table_;
  std::uint32_t used_ = 0;      // Slots ever handed out.
  std::uint32_t free_ = kNone;  // A list through JobSlot::next.
  std::size_t size_ = 0;
};

}  // namespace troupe
