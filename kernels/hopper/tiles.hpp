// Which block attends which rows of which head, and to which keys. Everybody
// in a block walks the same tiles, so nothing is handed around. Plain
// arithmetic, the same on host and device.
#pragma once

#include <cstdint>

namespace troupe::kernels::hopper {

constexpr int least(int a, int b) {
  return a < b ? a : b;
}
constexpr int most(int a, int b) {
  return a < b ? b : a;
}
constexpr int parts_of(int whole, int part) {
  return (whole + part - 1) / part;
}

/// Sequences laid end to end. Sequence s has the rows [q_starts[s],
/// q_starts[s + 1]) and the keys [kv_starts[s], kv_starts[s + 1]). Its last row
/// stands with its last key.
///
/// Runs of rows over a paged cache: kv_counts is not null. Run s then has
/// kv_counts[s] keys, in the pages of row kv_starts[s] of the page table, and
/// `runs` says how many runs there are.
struct Sequences {
  const std::int32_t* q_starts;   // [count + 1], ascending from 0
  const std::int32_t* kv_starts;  // [count + 1], ascending from 0
  int count;
  int kv_heads;
  int group;  // Heads that share a kv head.
  int head_dim;
  const std::int32_t* kv_counts = nullptr;
  const std::int32_t* runs = nullptr;

  constexpr int heads() const { return kv_heads * group; }
  constexpr int number() const { return runs == nullptr ? count : *runs; }
  constexpr int keys_of(int sequence) const {
    return kv_counts == nullptr ? kv_starts[sequence + 1] - kv_starts[sequence]
                                : kv_counts[sequence];
  }
};

/// Some rows of one head, and the tiles of keys that any of them sees.
struct Tile {
  int head;
  int first_row;  // Of all sequences'.
  int rows;
  int kv_begin;  // Or the row of the page table.
  int kv_count;
  int past;  // Keys before the first row's own; may be negative.
  int key_tiles;
};

/// Keys that row `row` of a tile sees, the first ones. Not above 0: none.
constexpr int keys_seen(const Tile& tile, int row, bool causal) {
  return causal ? least(tile.kv_count, tile.past + row + 1) : tile.kv_count;
}

/// Bytes of keys and values that heads which run side by side may have: about
/// half of an H200's L2 of 60 MB, the other half is for what passes through.
inline constexpr int kSectionBytes = 32 << 20;

/// Heads whose tiles come together; a multiple of those that share keys.
constexpr int section_heads(const Sequences& all, int kv_count) {
  const int keys = kSectionBytes / (all.head_dim * 4);
  return all.group * least(all.kv_heads, most(1, keys / most(1, kv_count)));
}

/// Tile `index` of a sequence, section by section. Within one the last rows
/// come first: with a causal mask they take longest.
constexpr Tile tile_of_sequence(const Sequences& all, int sequence, int index,
                                int rows, int keys, bool causal) {
  const int q_begin = all.q_starts[sequence];
  const int kv_begin = all.kv_starts[sequence];
  const int q_count = all.q_starts[sequence + 1] - q_begin;
  const int kv_count = all.keys_of(sequence);
  const int row_tiles = parts_of(q_count, rows);
  const int whole = section_heads(all, kv_count);
  const int section = index / (whole * row_tiles);
  const int within = index - section * whole * row_tiles;
  const int heads = least(whole, all.heads() - section * whole);
  const int first_row = (row_tiles - 1 - within / heads) * rows;
  Tile tile{.head = section * whole + within % heads,
            .first_row = q_begin + first_row,
            .rows = least(rows, q_count - first_row),
            .kv_begin = kv_begin,
            .kv_count = kv_count,
            .past = kv_count - q_count + first_row};
  const int seen = keys_seen(tile, tile.rows - 1, causal);
  tile.key_tiles = parts_of(most(0, seen), keys);
  return tile;
}

/// The tiles of one block of `blocks`: one of each round, forwards and
/// backwards in turn, so that who had the longest tile of a round has the
/// shortest of the next.
class TileWalk {
 public:
  constexpr TileWalk(const Sequences& all, int block, int blocks)
      : all_{all}, block_{block}, blocks_{blocks} {}

  /// The next tile of kRows rows and kKeys keys. False: there is none.
  template <int kRows, int kKeys, bool kCausal>
  constexpr bool next(Tile& tile) {
    const int place = round_ % 2 == 0 ? block_ : blocks_ - 1 - block_;
    const int wanted = round_ * blocks_ + place;
    ++round_;
    for (; sequence_ < all_.number(); ++sequence_) {
      const int rows = all_.q_starts[sequence_ + 1] - all_.q_starts[sequence_];
      const int tiles = parts_of(rows, kRows) * all_.heads();
      if (wanted < before_ + tiles) {
        tile = tile_of_sequence(all_, sequence_, wanted - before_, kRows, kKeys,
                                kCausal);
        return true;
      }
      before_ += tiles;
    }
    return false;
  }

  /// How often next() was called.
  constexpr std::uint32_t taken() const {
    return static_cast<std::uint32_t>(round_);
  }

 private:
  const Sequences& all_;
  int block_;
  int blocks_;
  int round_ = 0;
  int sequence_ = 0;
  int before_ = 0;  // Tiles of the sequences before.
};

/// The most tiles there can be: what a grid is sized by, whatever the lengths.
constexpr std::int64_t most_tiles(std::int64_t rows, std::int64_t sequences,
                                  std::int64_t heads, std::int64_t tile_rows) {
  return (rows / tile_rows + sequences) * heads;
}

/// Where the tile lies that comes after `before` others in a ring of kStages,
/// and the parity of its barriers' phase.
template <int kStages>
struct RingPlace {
  static_assert(kStages > 0 && (kStages & (kStages - 1)) == 0);
  int stage;
  std::uint32_t parity;

  constexpr explicit RingPlace(std::uint32_t before)
      : stage{static_cast<int>(before % kStages)},
        parity{before / kStages % 2} {}
};

}  // namespace troupe::kernels::hopper
