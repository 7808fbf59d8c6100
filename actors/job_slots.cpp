#include "actors/job_slots.hpp"

#include "core/result.hpp"

namespace troupe {

namespace {

std::uint64_t hash_of(JobId id) {
  return std::hash<JobId>{}(id);
}

// Of bits that home() does not use.
std::uint32_t tag_of(std::uint64_t hash) {
  return static_cast<std::uint32_t>(hash >> 59);
}

}  // namespace

void JobSlots::place(std::uint32_t slot) {
  const auto hash = hash_of((*this)[slot].id);
  std::size_t at = home(hash);
  while (table_[at] != 0) at = (at + 1) & (table_.size() - 1);
  table_[at] = tag_of(hash) << kNumberBits | (slot + 1);
}

void JobSlots::grow() {
  table_.assign(table_.empty() ? 1024 : table_.size() * 2, 0);
  table_.shrink_to_fit();
  for (std::uint32_t slot = 0; slot < used_; ++slot)
    if ((*this)[slot].id) place(slot);
}

std::uint32_t JobSlots::add(JobId id) {
  // At most 7/8 full: probes stay short, and a job costs 4.6 to 9.1 bytes.
  if ((size_ + 1) * 8 > table_.size() * 7) grow();
  std::uint32_t slot = free_;
  if (slot != kNone) {
    free_ = (*this)[slot].next;
  } else {
    TROUPE_ASSERT(used_ < kMaxSlots);  // The queue's limit is below it.
    slot = used_++;
    if (slot / kChunk == chunks_.size())
      chunks_.push_back(std::make_unique<JobSlot[]>(kChunk));
  }
  (*this)[slot] = JobSlot{};
  (*this)[slot].id = id;
  ++size_;
  place(slot);
  return slot;
}

std::uint32_t JobSlots::find(JobId id) const {
  if (table_.empty()) return kNone;
  const auto hash = hash_of(id);
  const auto tag = tag_of(hash);
  for (std::size_t at = home(hash); table_[at] != 0;
       at = (at + 1) & (table_.size() - 1)) {
    if (table_[at] >> kNumberBits != tag) continue;
    const auto slot = slot_of(table_[at]);
    if ((*this)[slot].id == id) return slot;
  }
  return kNone;
}

void JobSlots::remove(std::uint32_t slot) {
  const std::size_t mask = table_.size() - 1;
  std::size_t hole = home(hash_of((*this)[slot].id));
  while ((table_[hole] & kNumberMask) != slot + 1) {
    TROUPE_ASSERT(table_[hole] != 0);
    hole = (hole + 1) & mask;
  }
  // Moves back whatever a search would no longer find across the hole.
  for (std::size_t at = (hole + 1) & mask; table_[at] != 0;
       at = (at + 1) & mask) {
    const std::size_t want = home(hash_of((*this)[slot_of(table_[at])].id));
    if (((at - want) & mask) < ((at - hole) & mask)) continue;
    table_[hole] = table_[at];
    hole = at;
  }
  table_[hole] = 0;
  (*this)[slot] = JobSlot{};
  (*this)[slot].next = free_;
  free_ = slot;
  --size_;
}

std::size_t JobSlots::memory_bytes() const {
  return chunks_.size() * kChunk * sizeof(JobSlot) +
         table_.capacity() * sizeof(std::uint32_t);
}

}  // namespace troupe
