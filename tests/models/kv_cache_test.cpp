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

// -- beginnings that are shared -----------------------------------------------

std::vector<TokenId> tokens(std::int64_t count, TokenId first = 100) {
  std::vector<TokenId> ids;
  for (std::int64_t i = 0; i < count; ++i)
    ids.push_back(first + static_cast<TokenId>(i));
  return ids;
}

std::int32_t opened(KvCache& cache, std::int64_t room) {
  const auto sequence = cache.open(room);
  EXPECT_TRUE(sequence);
  return sequence ? *sequence : -1;
}

/// A sequence whose positions all hold something, remembered.
std::int32_t filled(KvCache& cache, const std::vector<TokenId>& ids) {
  const auto sequence = opened(cache, std::ssize(ids));
  cache.set_length(sequence, std::ssize(ids));
  cache.remember(sequence, ids);
  return sequence;
}

TEST(KvCachePrefixes, ShareFullPagesOfTheSameBeginning) {
  auto cache = made();
  const auto ids = tokens(40);
  const auto a = filled(cache, ids);
  const auto b = opened(cache, 48);
  EXPECT_EQ(cache.free_pages(), 0);
  EXPECT_EQ(cache.share(b, ids), 32);
  EXPECT_EQ(cache.length(b), 32);
  EXPECT_EQ(cache.capacity(b), 48);
  EXPECT_EQ(cache.free_pages(), 2);
  const auto of_a = pages_of(cache, a, 3), of_b = pages_of(cache, b, 3);
  EXPECT_EQ(of_a[0], of_b[0]);
  EXPECT_EQ(of_a[1], of_b[1]);
  EXPECT_NE(of_a[2], of_b[2]);
}

TEST(KvCachePrefixes, ShareNothingAfterTheFirstDifference) {
  auto cache = made();
  filled(cache, tokens(48));
  auto other = tokens(48);
  other[20] = 7;
  EXPECT_EQ(cache.share(opened(cache, 48), other), 16);
}

TEST(KvCachePrefixes, TellTheSameTokensElsewhereApart) {
  auto cache = made();
  auto ids = tokens(16);
  const auto again = tokens(16, 500);
  ids.insert(ids.end(), again.begin(), again.end());
  filled(cache, ids);
  EXPECT_EQ(cache.share(opened(cache, 16), again), 0);
}

TEST(KvCachePrefixes, AreThereAfterTheirSequenceClosed) {
  auto cache = made();
  const auto ids = tokens(33);
  cache.close(filled(cache, ids));
  EXPECT_EQ(cache.free_pages(), 6);
  const auto b = opened(cache, 33);
  EXPECT_EQ(cache.share(b, ids), 32);
  cache.close(b);
  EXPECT_EQ(cache.free_pages(), 6);
}

TEST(KvCachePrefixes, AreForgottenWhenTheirPagesAreNeededTheEndFirst) {
  auto cache = made();
  const auto ids = tokens(48);
  cache.close(filled(cache, ids));
  // Three pages were never used, the fourth is the end of what was remembered.
  const auto b = opened(cache, 64);
  const auto c = opened(cache, 32);
  EXPECT_EQ(cache.free_pages(), 0);
  EXPECT_EQ(cache.share(c, ids), 0) << "its own two pages took the others";
  cache.close(c);
  cache.close(b);
  EXPECT_EQ(cache.share(opened(cache, 48), ids), 0);
}

TEST(KvCachePrefixes, LoseTheirEndBeforeTheirBeginning) {
  auto cache = made();
  const auto ids = tokens(48);
  cache.close(filled(cache, ids));
  const auto b = opened(cache, 64);
  cache.close(b);
  EXPECT_EQ(cache.share(opened(cache, 48), ids), 32);
}

TEST(KvCachePrefixes, AreRememberedOnceAndAsTheyGrow) {
  auto cache = made();
  const auto ids = tokens(40);
  const auto a = opened(cache, 40), b = opened(cache, 40);
  for (const auto sequence : {a, b}) {
    cache.set_length(sequence, 17);
    cache.remember(sequence, ids);
    cache.set_length(sequence, 40);
    cache.remember(sequence, ids);
  }
  cache.close(b);
  EXPECT_EQ(cache.free_pages(), 3) << "b's pages were never shared";
  cache.close(a);
  EXPECT_EQ(cache.free_pages(), 6);
  const auto c = cache.open(40, ids);
  ASSERT_TRUE(c);
  EXPECT_EQ(cache.length(*c), 32);
}

TEST(KvCachePrefixes, ShareNothingWithinAPage) {
  auto cache = made();
  const auto ids = tokens(40);
  const auto b = opened(cache, 40);
  cache.set_length(b, 5);
  filled(cache, ids);
  EXPECT_EQ(cache.share(b, ids), 5);
  cache.set_length(b, 16);
  EXPECT_EQ(cache.share(b, ids), 16) << "not yet said to be remembered";
  cache.remember(b, ids);
  EXPECT_EQ(cache.share(b, ids), 32);
}

TEST(KvCachePrefixes, NeedNoPagesOfTheirOwn) {
  auto cache = made();
  const auto ids = tokens(48);
  filled(cache, ids);
  const auto b = cache.open(64, ids);
  ASSERT_TRUE(b);
  EXPECT_EQ(cache.length(*b), 48);
  EXPECT_EQ(cache.free_pages(), 2);
  const auto c = cache.open(64, ids), d = cache.open(64, ids);
  ASSERT_TRUE(c);
  EXPECT_EQ(cache.free_pages(), 1);
  ASSERT_FALSE(d) << "all sequences are taken";
  cache.close(*c);
  const auto other = cache.open(64, tokens(64, 900));
  ASSERT_FALSE(other);
  EXPECT_THAT(other.error().message, HasSubstr("need 4 pages"));
  EXPECT_THAT(other.error().message, HasSubstr("2 are free"));
  EXPECT_EQ(cache.free_pages(), 2) << "nothing was kept of the attempt";
}

}  // namespace
}  // namespace troupe
