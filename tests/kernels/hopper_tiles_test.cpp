// Which block attends what, against brute force over small shapes.
#include "kernels/hopper/tiles.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

namespace troupe::kernels::hopper {
namespace {

struct Starts {
  std::vector<std::int32_t> q{0}, kv{0};

  Starts& add(int rows, int keys) {
    q.push_back(q.back() + rows);
    kv.push_back(kv.back() + keys);
    return *this;
  }
  Sequences with(int kv_heads, int group, int head_dim = 128) const {
    return {.q_starts = q.data(),
            .kv_starts = kv.data(),
            .count = static_cast<int>(q.size()) - 1,
            .kv_heads = kv_heads,
            .group = group,
            .head_dim = head_dim};
  }
};

template <int kRows, int kKeys, bool kCausal>
std::vector<Tile> walked(const Sequences& all, int block, int blocks) {
  std::vector<Tile> tiles;
  TileWalk walk{all, block, blocks};
  Tile tile;
  while (walk.next<kRows, kKeys, kCausal>(tile)) {
    tiles.push_back(tile);
    EXPECT_EQ(walk.taken(), tiles.size());
  }
  return tiles;
}

// Each row of each head once, whoever takes it, with the keys it sees.
template <int kRows, int kKeys, bool kCausal>
void covers_everything(const Starts& starts, int kv_heads, int group,
                       int blocks) {
  const auto all = starts.with(kv_heads, group);
  std::map<std::pair<int, int>, int> times;
  for (int block = 0; block < blocks; ++block)
    for (const auto& tile : walked<kRows, kKeys, kCausal>(all, block, blocks))
      for (int r = 0; r < tile.rows; ++r) {
        const int row = tile.first_row + r;
        ++times[{row, tile.head}];
        const auto after =
            std::upper_bound(starts.q.begin(), starts.q.end(), row);
        const auto s = static_cast<std::size_t>(after - starts.q.begin() - 1);
        const int rows = starts.q[s + 1] - starts.q[s];
        const int keys = starts.kv[s + 1] - starts.kv[s];
        int seen = 0;
        for (int key = 0; key < keys; ++key)
          seen += !kCausal || key - keys <= row - starts.q[s] - rows;
        ASSERT_EQ(most(0, keys_seen(tile, r, kCausal)), seen);
        ASSERT_EQ(tile.kv_begin, starts.kv[s]);
        ASSERT_EQ(tile.kv_count, keys);
        ASSERT_LE(seen, tile.key_tiles * kKeys);
        ASSERT_LE(tile.rows, kRows);
      }
  ASSERT_EQ(times.size(),
            static_cast<std::size_t>(starts.q.back() * kv_heads * group));
  for (const auto& [at, count] : times) ASSERT_EQ(count, 1);
}

TEST(HopperTiles, CoverEachRowOnceForAllSmallShapes) {
  for (int rows = 0; rows <= 9; ++rows)
    for (int keys = 0; keys <= 13; ++keys)
      for (const int blocks : {1, 2, 5}) {
        covers_everything<4, 3, true>(Starts{}.add(rows, keys), 2, 2, blocks);
        covers_everything<4, 3, false>(Starts{}.add(rows, keys), 1, 3, blocks);
      }
}

TEST(HopperTiles, CoverSequencesOfDifferentLengths) {
  for (const int blocks : {1, 3, 7, 64}) {
    const auto starts =
        Starts{}.add(0, 4).add(9, 2).add(1, 30).add(0, 0).add(17, 17);
    covers_everything<4, 8, true>(starts, 3, 2, blocks);
    covers_everything<4, 8, false>(starts, 3, 2, blocks);
  }
}

TEST(HopperTiles, TakeNoTileOfKeysThatNobodySees) {
  for (int rows = 1; rows <= 9; ++rows)
    for (int keys = 0; keys <= 13; ++keys) {
      const auto starts = Starts{}.add(rows, keys);
      for (const auto& tile : walked<4, 3, true>(starts.with(1, 1), 0, 1)) {
        int seen = 0;
        for (int r = 0; r < tile.rows; ++r)
          seen = most(seen, keys_seen(tile, r, true));
        EXPECT_EQ(tile.key_tiles, (seen + 2) / 3);
      }
    }
}

// Heads whose keys together do not fit are taken section by section.
TEST(HopperTiles, CoverHeadsThatComeInSections) {
  constexpr int kLong = 40'000;  // 20 MB a kv head: one at a time.
  const auto starts = Starts{}.add(10, kLong);
  ASSERT_EQ(section_heads(starts.with(3, 2), kLong), 2);
  covers_everything<4, 20'000, false>(starts, 3, 2, 5);
  EXPECT_EQ(section_heads(starts.with(3, 2), 20'000), 6);
  EXPECT_EQ(section_heads(starts.with(3, 2), 30'000), 4);
  EXPECT_EQ(section_heads(starts.with(3, 2), 0), 6);
}

TEST(HopperTiles, FitIntoTheGridThatCapacityGives) {
  for (int a = 0; a <= 20; ++a)
    for (int b = 0; b <= 20; ++b) {
      const auto starts = Starts{}.add(a, 3).add(b, 3);
      const auto tiles = walked<8, 4, false>(starts.with(2, 1), 0, 1);
      EXPECT_LE(static_cast<std::int64_t>(tiles.size()),
                most_tiles(a + b, 2, 2, 8));
    }
}

// 7B's heads at 2,048 tokens on 132 blocks: what a mask makes uneven evens out.
TEST(HopperTiles, GiveEachBlockAboutTheSameWorkUnderAMask) {
  const auto starts = Starts{}.add(2048, 2048);
  int least_work = 1 << 30, most_work = 0, all = 0;
  for (int block = 0; block < 132; ++block) {
    int work = 0;
    for (const auto& tile :
         walked<128, 128, true>(starts.with(4, 7), block, 132))
      work += tile.key_tiles;
    least_work = least(least_work, work);
    most_work = most(most_work, work);
    all += work;
  }
  EXPECT_EQ(all, 28 * 16 * 17 / 2);
  // Mean 28.8: the slowest block has at most 12 % more.
  EXPECT_LE(most_work, 32);
  EXPECT_GE(least_work, 24);
}

TEST(HopperTiles, GoRoundARingWithAParityThatTurns) {
  const int stages[] = {0, 1, 0, 1, 0};
  const std::uint32_t parities[] = {0, 0, 1, 1, 0};
  for (std::uint32_t i = 0; i < 5; ++i) {
    const RingPlace<2> at{i};
    EXPECT_EQ(at.stage, stages[i]);
    EXPECT_EQ(at.parity, parities[i]);
  }
}

}  // namespace
}  // namespace troupe::kernels::hopper
