// The paged cache and attention over it, decode and prefill, in f32 and bf16.
#include <gtest/gtest.h>

#include "kernels/attention_cuda.hpp"
#include "test_device.hpp"
#include "tests/kernels/attention_pool.hpp"

namespace troupe::kernels {
namespace {

using CudaAttention = EachOrder;
TROUPE_EACH_ORDER(CudaAttention);

constexpr HeadShape kShapes[] = {{1, 1, 64},  {2, 2, 128}, {14, 2, 64},
                                 {7, 1, 128}, {3, 1, 64},  {2, 1, 128},
                                 {10, 1, 64}};

TEST_P(CudaAttention, EqualsPlainLoopsForAllShapes) {
  for (const auto& shape : kShapes)
    for (const auto dtype : {DType::f32, DType::bf16})
      for (const std::int32_t length : {1, 16, 17, 50}) {
        CudaDevice device{GetParam()};
        AttentionPool pool{shape, {length}, dtype};
        const auto all = pool.whole(0);
        for (const bool decode : {false, true}) {
          pool.decode = decode;
          EXPECT_TRUE(computed(pool.step(device.ctx, all), pool.expected(all),
                               pool.queries(all), kAttentionAllowed))
              << shape.heads << "/" << shape.kv_heads << " x " << shape.head_dim
              << ", " << length << ", decode " << decode;
        }
      }
}

std::vector<Place> tail(const std::vector<Place>& places, std::size_t count) {
  return {places.end() - static_cast<std::ptrdiff_t>(count), places.end()};
}

// Chunks of 256 positions and one more.
TEST_P(CudaAttention, JoinsTheChunksOfALongPast) {
  CudaDevice device{GetParam()};
  for (const std::int32_t length : {255, 256, 257, 600}) {
    AttentionPool pool{{4, 2, 64}, {length, 3}, DType::bf16};
    pool.step(device.ctx, pool.whole(0));
    pool.step(device.ctx, pool.whole(1));
    pool.decode = true;
    auto rows = tail(pool.whole(0), 1);
    rows.push_back({1, 2});
    EXPECT_TRUE(computed(pool.step(device.ctx, rows), pool.expected(rows),
                         pool.queries(rows), kAttentionAllowed))
        << length;
  }
}

TEST_P(CudaAttention, MixesSequencesAndPlacesInAStep) {
  CudaDevice device{GetParam()};
  AttentionPool pool{{6, 2, 64}, {75, 20, 33}};
  const auto first = pool.whole(0), second = pool.whole(1),
             third = pool.whole(2);
  pool.step(device.ctx, {first.begin(), first.begin() + 50});
  pool.step(device.ctx, {third.begin(), third.begin() + 32});
  // The end of one, a row that fills, all of another, the last of the third.
  std::vector<Place> rows{first.begin() + 50, first.end()};
  rows.push_back({0, -1});
  rows.insert(rows.end(), second.begin(), second.end());
  rows.push_back(third.back());
  rows.push_back({2, -1});
  for (const bool decode : {false, true}) {
    pool.decode = decode;
    EXPECT_TRUE(computed(pool.step(device.ctx, rows), pool.expected(rows),
                         pool.queries(rows), kAttentionAllowed));
  }
}

TEST_P(CudaAttention, SeesAllWhereEveryRowStandsAtTheEnd) {
  CudaDevice device{GetParam()};
  AttentionPool pool{{4, 2, 128}, {37, 20}};
  pool.full = true;
  auto rows = pool.whole(0);
  const auto second = pool.whole(1);
  rows.insert(rows.end(), second.begin(), second.end());
  EXPECT_TRUE(computed(pool.step(device.ctx, rows), pool.expected(rows),
                       pool.queries(rows), kAttentionAllowed));
}

TEST_P(CudaAttention, GivesARowTheSameBytesInAnyBatchAndChunk) {
  CudaDevice device{GetParam()};
  for (const bool decode : {false, true}) {
    AttentionPool whole{{4, 2, 64}, {70, 20}}, parts{{4, 2, 64}, {70, 20}};
    whole.decode = parts.decode = decode;
    auto rows = whole.whole(1);
    const auto first = whole.whole(0);
    rows.insert(rows.end(), first.begin(), first.end());
    const auto all = whole.step(device.ctx, rows);
    std::vector<float> joined;
    for (std::size_t at = 0; at < rows.size(); at += 13) {
      const auto end = std::min(at + 13, rows.size());
      const auto y = parts.step(
          device.ctx, {rows.begin() + static_cast<std::ptrdiff_t>(at),
                       rows.begin() + static_cast<std::ptrdiff_t>(end)});
      joined.insert(joined.end(), y.begin(), y.end());
    }
    EXPECT_TRUE(computed_alike(all, joined, whole.queries(rows)))
        << "decode " << decode;
  }
}

TEST_P(CudaAttention, HoldsForScoresThatOneKeyWins) {
  CudaDevice device{GetParam()};
  for (const bool decode : {false, true}) {
    AttentionPool pool{{2, 1, 64}, {40}};
    pool.scale = 8;
    pool.decode = decode;
    const auto all = pool.whole(0);
    EXPECT_TRUE(computed(pool.step(device.ctx, all), pool.expected(all),
                         pool.queries(all), {2e-4, 2e-4}));
  }
}

// A broken sequence comes out as such, and spoils no other of the same tile.
TEST_P(CudaAttention, LetsNotANumberThroughAndNoFurther) {
  CudaDevice device{GetParam()};
  for (const bool decode : {false, true}) {
    AttentionPool pool{{1, 1, 64}, {3, 4}};
    pool.decode = decode;
    auto rows = pool.whole(0);
    const auto second = pool.whole(1);
    rows.insert(rows.end(), second.begin(), second.end());
    pool.spoil({0, 0});
    const auto y = pool.step(device.ctx, rows);
    for (std::size_t i = 0; i < y.size(); ++i)
      EXPECT_EQ(std::isnan(y[i]), i < 3 * 64) << i;
  }
}

TEST(CudaAttentionScratch, IsBoundedForLongCaches) {
  const auto chunked = [](std::int64_t pages) {
    const std::int32_t* none = nullptr;
    return chunked_attention(
        {.q = matrix_ref(static_cast<const float*>(nullptr), 2, 4 * 64),
         .pages = {.pages = 4, .kv_heads = 2, .head_dim = 64},
         .at = {.page_table = matrix_ref(none, 2, pages)},
         .heads = 4});
  };
  EXPECT_EQ(chunked(1).chunks, 1);
  EXPECT_EQ(chunked(17).chunks, 2);
  EXPECT_EQ(chunked(1024).positions, 256);
  EXPECT_EQ(chunked(1024).chunks, 64);
  EXPECT_EQ(chunked(1025).positions, 512);
  EXPECT_EQ(chunked(8192).chunks, 64);
  EXPECT_EQ(chunked(17).bytes, 2u * 4 * 2 * (64 + 2) * 4);
}

}  // namespace
}  // namespace troupe::kernels
