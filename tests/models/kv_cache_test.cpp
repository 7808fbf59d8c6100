#include "models/kv_cache.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace troupe {
namespace {

using ::testing::HasSubstr;

constexpr KvCacheOptions kOptions{.layers = 2,
                                  .kv_heads = 1,
                                  .head_dim = 64,
                                  .pages = 6,
                                  .sequences = 3,
                                  .max_sequence_pages = 4};

KvCache made() {
  auto cache = KvCache::make(kOptions);
  EXPECT_TRUE(cache);
  return std::move(*cache);
}

std::vector<std::int32_t> pages_of(const KvCache& cache, std::int32_t sequence,
                                   std::int64_t count) {
  const auto* row = data_of<const std::int32_t>(cache.page_table()) +
                    sequence * kOptions.max_sequence_pages;
  return {row, row + count};
}

TEST(KvCache, SaysWhatItTakes) {
  EXPECT_EQ(KvCache::bytes_for(kOptions), 2u * 2 * 6 * 16 * 64 * 4);
}

TEST(KvCache, ReservesAllThatASequenceMayHold) {
  auto cache = made();
  const auto a = cache.open(17), b = cache.open(64);
  ASSERT_TRUE(a && b);
  EXPECT_EQ(cache.capacity(*a), 32);
  EXPECT_EQ(cache.capacity(*b), 64);
  EXPECT_EQ(cache.length(*a), 0);
  EXPECT_EQ(cache.free_pages(), 0);
  std::set<std::int32_t> pages;
  for (const auto page : pages_of(cache, *a, 2)) pages.insert(page);
  for (const auto page : pages_of(cache, *b, 4)) pages.insert(page);
  EXPECT_EQ(pages, (std::set<std::int32_t>{0, 1, 2, 3, 4, 5}));
}

TEST(KvCache, GivesPagesBackOnClose) {
  auto cache = made();
  const auto a = cache.open(64);
  ASSERT_TRUE(a);
  const auto full = cache.open(33);
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, Errc::out_of_memory);
  EXPECT_THAT(full.error().message,
              HasSubstr("33 tokens need 3 pages of the cache; 2 are free"));
  cache.close(*a);
  EXPECT_FALSE(cache.is_open(*a));
  EXPECT_EQ(cache.free_pages(), 6);
  EXPECT_TRUE(cache.open(33));
}

TEST(KvCache, TellsNeverFromNotNow) {
  auto cache = made();
  const auto never = cache.open(65);
  ASSERT_FALSE(never);
  EXPECT_EQ(never.error().code, Errc::too_large);
  EXPECT_THAT(never.error().message, HasSubstr("the 64 that one sequence"));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(cache.open(1));
  const auto seats = cache.open(1);
  ASSERT_FALSE(seats);
  EXPECT_EQ(seats.error().code, Errc::out_of_memory);
  EXPECT_THAT(seats.error().message, HasSubstr("all 3 sequences"));
}

TEST(KvCache, KeepsLengths) {
  auto cache = made();
  const auto a = cache.open(16);
  ASSERT_TRUE(a);
  cache.set_length(*a, 16);
  EXPECT_EQ(cache.length(*a), 16);
  cache.close(*a);
  const auto b = cache.open(16);
  ASSERT_TRUE(b);
  EXPECT_EQ(cache.length(*b), 0);
  EXPECT_FALSE(cache.is_open(-1));
  EXPECT_FALSE(cache.is_open(3));
}

}  // namespace
}  // namespace troupe
