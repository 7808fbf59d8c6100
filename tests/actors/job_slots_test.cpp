#include "actors/job_slots.hpp"

#include <gtest/gtest.h>

#include <unordered_map>

namespace troupe {
namespace {

// Ids as one client makes them: they differ in few bits.
JobId id_of(std::uint64_t n) {
  return {0x0192'3456'789a'bcdeull, n};
}

TEST(JobSlots, FindsEveryIdItHasAndNoOtherWhileItGrowsAndShrinks) {
  JobSlots slots;
  std::unordered_map<JobId, std::uint32_t> model;
  constexpr std::uint64_t kJobs = 20'000;  // Over the table's borders.
  for (std::uint64_t n = 0; n < kJobs; ++n) {
    model[id_of(n)] = slots.add(id_of(n));
    // Every third leaves again, some time later.
    if (n % 3 != 0 || n < 1'000) continue;
    const auto leaving = id_of(n - 1'000);
    const auto it = model.find(leaving);
    if (it == model.end()) continue;
    slots.remove(it->second);
    model.erase(it);
  }
  EXPECT_EQ(slots.size(), model.size());
  EXPECT_LT(model.size(), kJobs);
  for (std::uint64_t n = 0; n < kJobs + 1'000; ++n) {
    const auto it = model.find(id_of(n));
    const auto expected = it == model.end() ? JobSlots::kNone : it->second;
    ASSERT_EQ(slots.find(id_of(n)), expected) << n;
  }
  for (const auto& [id, slot] : model) slots.remove(slot);
  EXPECT_EQ(slots.size(), 0u);
  EXPECT_EQ(slots.find(id_of(1)), JobSlots::kNone);
}

TEST(JobSlots, CostsUnderNinetyBytesAJob) {
  JobSlots slots;
  constexpr std::uint64_t kJobs = 1'000'000;
  for (std::uint64_t n = 0; n < kJobs; ++n) slots.add(id_of(n));
  EXPECT_LT(slots.memory_bytes() / kJobs, 90u);
}

}  // namespace
}  // namespace troupe
