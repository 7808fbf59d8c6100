// Attention of whole sequences on Hopper: one warp copies tiles of keys and
// values, two or three warpgroups of 64 rows each take turns, so that the
// softmax of one hides under the products of another; each also begins its
// next scores before it weighs the last values. Source: Shah 2024
// (FlashAttention-3).
#pragma once

#include <cuda_bf16.h>

#include "kernels/hopper/layout.hpp"
#include "kernels/hopper/ptx.cuh"
#include "kernels/hopper/shared.cuh"
#include "kernels/hopper/tiles.hpp"
#include "kernels/hopper/wgmma.cuh"

namespace troupe::kernels::hopper {

/// What a variant is made of. The shapes are those of the source.
template <int kDim_, int kGroups_, int kKeys_, int kStages_, bool kCausal_>
struct Variant {
  static constexpr int kDim = kDim_;
  static constexpr int kGroups = kGroups_;  // Of 64 rows, beside the copier's.
  static constexpr int kKeys = kKeys_;      // Of a tile.
  static constexpr int kStages = kStages_;
  static constexpr bool kCausal = kCausal_;
  static constexpr int kRows = kGroups * kGroupRows;
  static constexpr int kThreads = (kGroups + 1) * kGroupThreads;
  // Of the 64 Ki of an SM: what the copiers give is what the others take.
  static constexpr int kCopierRegisters = kGroups == 2 ? 40 : 32;
  static constexpr int kRegisters = kGroups == 2 ? 232 : 160;
  static_assert((kRegisters * kGroups + kCopierRegisters) * kGroupThreads <=
                64 * 1024);
};

/// Begins at a multiple of kAtomBytes.
template <class V>
struct Shared {
  std::uint16_t queries[V::kRows * V::kDim];
  std::uint16_t keys[V::kStages][V::kKeys * V::kDim];
  std::uint16_t values[V::kStages][V::kKeys * V::kDim];
  Barrier queries_full, queries_empty;
  Barrier keys_full[V::kStages], keys_empty[V::kStages];
  Barrier values_full[V::kStages], values_empty[V::kStages];
};

/// The most keys that a shared memory of 227 KiB has room for, and where the
/// first byte of it lies is not known.
template <class V>
inline constexpr std::size_t kSharedBytes = sizeof(Shared<V>) + kAtomBytes;
inline constexpr std::size_t kMostSharedBytes = 227 * 1024;

struct AttendSequences {
  TensorMap queries;  // [rows, heads, dim], boxes [kRows, 1, kColumn]
  TensorMap keys;     // [rows, kv_heads, dim], boxes [kKeys, 1, kColumn]
  TensorMap values;   // as keys
  __nv_bfloat16* y;   // [rows, heads, dim]
  Sequences all;
  float scale;  // times log2 e
};

// Barriers among warps; 0 is __syncthreads'.
constexpr int turn_of(int group) {
  return 1 + group;
}
constexpr int own_of(int group) {
  return 4 + group;
}

// -- one thread copies --------------------------------------------------------

template <class V>
struct Copier {
  const AttendSequences& a;
  Shared<V>& shared;
  std::uint32_t keys = 0, values = 0, queries = 0;  // Tiles copied.

  __device__ void copy_queries(const Tile& tile) {
    wait_for(shared.queries_empty, queries++ % 2 ^ 1);
    arrive_expecting(shared.queries_full, tile_bytes(V::kRows, V::kDim));
    for (int d = 0; d < V::kDim; d += kColumn)
      copy_box(&shared.queries[d * V::kRows], a.queries, shared.queries_full, d,
               tile.head, tile.first_row);
  }

  __device__ void copy_keys(const Tile& tile, int index) {
    copy(keys++, shared.keys, shared.keys_full, shared.keys_empty, a.keys, tile,
         index);
  }
  __device__ void copy_values(const Tile& tile, int index) {
    copy(values++, shared.values, shared.values_full, shared.values_empty,
         a.values, tile, index);
  }

  __device__ void copy(std::uint32_t before,
                       std::uint16_t (&to)[V::kStages][V::kKeys * V::kDim],
                       Barrier (&full)[V::kStages],
                       Barrier (&empty)[V::kStages], const TensorMap& map,
                       const Tile& tile, int index) {
    const int kv_head = tile.head / a.all.group;
    const RingPlace<V::kStages> at{before};
    wait_for(empty[at.stage], at.parity ^ 1);
    arrive_expecting(full[at.stage], tile_bytes(V::kKeys, V::kDim));
    for (int d = 0; d < V::kDim; d += kColumn)
      copy_box(&to[at.stage][d * V::kKeys], map, full[at.stage], d, kv_head,
               tile.kv_begin + index * V::kKeys);
  }

  __device__ void run(TileWalk walk) {
    Tile tile;
    while (walk.next<V::kRows, V::kKeys, V::kCausal>(tile)) {
      copy_queries(tile);
      // In the order in which they are asked for: the last keys first.
      for (int i = tile.key_tiles; i >= 0; --i) {
        if (i > 0) copy_keys(tile, i - 1);
        if (i < tile.key_tiles) copy_values(tile, i);
      }
    }
  }
};

// -- the others compute -------------------------------------------------------

// Below any score that matters, and a number: differences stay numbers.
inline constexpr float kLowestScore = -1e30f;

/// A warpgroup's 64 rows of a tile. Of each thread two rows, eight apart.
template <class V>
struct Attender {
  const AttendSequences& a;
  Shared<V>& shared;
  int group;
  int thread;               // Of the group.
  std::uint32_t taken = 0;  // Tiles of keys; values are taken after them.
  float scores[V::kKeys / 2];
  float sums[V::kDim / 2];
  std::uint32_t weights[V::kKeys / 4];
  float highest[2];
  float weight[2];

  /// The first of this thread's rows of the tile.
  __device__ int row() const {
    return group * kGroupRows + first_place(thread).row;
  }

  using Ring = RingPlace<V::kStages>;

  /// Begins scores = queries * keys.
  __device__ void begin_scores(const Ring& keys) {
    const auto left = descriptor(
        shared_address(&shared.queries[group * kGroupRows * kColumn]),
        along_rows());
    const auto right =
        descriptor(shared_address(shared.keys[keys.stage]), along_rows());
    pin(scores);
    open_products();
#pragma unroll
    for (int d = 0; d < V::kDim; d += kProductDepth)
      multiply_rows(scores, advanced(left, depth_offset(V::kRows, d)),
                    advanced(right, depth_offset(V::kKeys, d)), d != 0);
    close_products();
    pin(scores);
  }

  /// Begins sums += weights * values.
  __device__ void begin_sums(const Ring& values) {
    const auto right = descriptor(shared_address(shared.values[values.stage]),
                                  along_columns(V::kKeys));
    pin(sums);
    pin(weights);
    open_products();
#pragma unroll
    for (int t = 0; t < V::kKeys; t += kProductDepth)
      multiply_columns(
          sums, &weights[t / 4],
          advanced(right, static_cast<std::uint32_t>(t * kColumnRowBytes)));
    close_products();
    pin(sums);
    pin(weights);
  }

  __device__ void release(Barrier& barrier) const {
    if ((thread & 31) == 0) arrive(barrier);
  }

  /// Scores of keys that a row does not see become -infinity. `seen` is of this
  /// thread's rows, less `first_key`.
  __device__ void mask(int seen, int seen_below) {
    const int column = first_place(thread).column;
#pragma unroll
    for (int i = 0; i < V::kKeys / 2; ++i) {
      const int end = (i / 2 % 2 == 0 ? seen : seen_below) - column;
      if (place_beside(i).column >= end) scores[i] = -INFINITY;
    }
  }

  /// Scores become weights; says by how much the sums so far shrink.
  __device__ void weigh(float (&keep)[2]) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      float best = highest[half];
#pragma unroll
      for (int i = half * 2; i < V::kKeys / 2; i += 4)
        best = fmaxf(best, fmaxf(scores[i], scores[i + 1]));
      best = fmaxf(best, __shfl_xor_sync(~0u, best, 1));
      best = fmaxf(best, __shfl_xor_sync(~0u, best, 2));
      keep[half] = power_of_two((highest[half] - best) * a.scale);
      highest[half] = best;
      const float base = best * a.scale;
      float added = 0;
#pragma unroll
      for (int i = half * 2; i < V::kKeys / 2; i += 4) {
        scores[i] = power_of_two(fmaf(scores[i], a.scale, -base));
        scores[i + 1] = power_of_two(fmaf(scores[i + 1], a.scale, -base));
        added += scores[i] + scores[i + 1];
      }
      weight[half] = weight[half] * keep[half] + added;
    }
  }

  __device__ void round_weights() {
#pragma unroll
    for (int i = 0; i < V::kKeys / 4; ++i)
      weights[i] = pair_of(scores[2 * i], scores[2 * i + 1]);
  }

  /// Rows behind a sequence's end may hold anything; 0 times that is not 0.
  /// Each group clears all that it reads.
  __device__ void clear_values(const Ring& values, int from) {
    constexpr int kPieces = kColumnRowBytes / 16;
    auto* pieces = reinterpret_cast<uint4*>(shared.values[values.stage]);
    for (int column = 0; column < V::kDim / kColumn; ++column)
      for (int i = from * kPieces + thread; i < V::kKeys * kPieces;
           i += kGroupThreads)
        pieces[column * V::kKeys * kPieces + i] = make_uint4(0, 0, 0, 0);
    show_writes();
    meet_at(own_of(group), kGroupThreads);
  }

  __device__ void first(const Tile& tile) {
    const int first_key = (tile.key_tiles - 1) * V::kKeys;
    const Ring at{taken++};
    wait_for(shared.keys_full[at.stage], at.parity);
    begin_scores(at);
    wait_products<0>();
    pin(scores);
    release(shared.keys_empty[at.stage]);
    mask(keys_seen(tile, row(), V::kCausal) - first_key,
         keys_seen(tile, row() + 8, V::kCausal) - first_key);
    float keep[2];  // Of nothing.
    weigh(keep);
    round_weights();
    if (first_key + V::kKeys > tile.kv_count) {
      wait_for(shared.values_full[at.stage], at.parity);
      clear_values(at, tile.kv_count - first_key);
    }
  }

  /// The scores of tile `index`, the sums of the one after it. Masked: of keys
  /// that all are the sequence's, row r of the tile sees past + r + 1.
  template <bool kMasked>
  __device__ void step(int index, int past = 0) {
    constexpr int kBoth = 2 * kGroupThreads;
    const Ring values{taken - 1}, keys{taken++};
    wait_for(shared.keys_full[keys.stage], keys.parity);
    meet_at(turn_of(group), kBoth);
    begin_scores(keys);
    wait_for(shared.values_full[values.stage], values.parity);
    begin_sums(values);
    pass_by(turn_of(group + 1 < V::kGroups ? group + 1 : 0), kBoth);
    wait_products<1>();
    pin(scores);
    release(shared.keys_empty[keys.stage]);
    if (kMasked) {
      const int seen = past + row() + 1 - index * V::kKeys;
      mask(seen, seen + 8);
    }
    float keep[2];
    weigh(keep);
    wait_products<0>();
    pin(sums);
    pin(weights);
    release(shared.values_empty[values.stage]);
    round_weights();
#pragma unroll
    for (int i = 0; i < V::kDim / 2; ++i) sums[i] *= keep[i / 2 % 2];
  }

  __device__ void last() {
    const Ring values{taken - 1};
    wait_for(shared.values_full[values.stage], values.parity);
    begin_sums(values);
    wait_products<0>();
    pin(sums);
    release(shared.values_empty[values.stage]);
  }

  __device__ void attend(const Tile& tile) {
    first(tile);
    int index = tile.key_tiles - 2;
    if (V::kCausal) {
      const int all_see = tile.past + group * kGroupRows + 1;
#pragma unroll 1
      for (; index >= 0 && (index + 1) * V::kKeys > all_see; --index)
        step<true>(index, tile.past);
    }
#pragma unroll 1
    for (; index >= 0; --index) step<false>(index);
    release(shared.queries_empty);
    last();
  }

  /// Four threads hold a row's columns in pairs: they swap, so that each
  /// writes eight in a row.
  __device__ void write(const Tile& tile) {
    const int quarter = thread & 3;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int at = row() + half * 8;
      weight[half] += __shfl_xor_sync(~0u, weight[half], 1);
      weight[half] += __shfl_xor_sync(~0u, weight[half], 2);
      const float over = weight[half] > 0 ? 1.f / weight[half] : 0.f;
      __nv_bfloat16* y =
          a.y +
          ((std::int64_t{tile.first_row} + at) * a.all.heads() + tile.head) *
              V::kDim;
#pragma unroll
      for (int block = 0; block < V::kDim / 8; block += 4) {
        std::uint32_t mine[4], out[4];
#pragma unroll
        for (int b = 0; b < 4; ++b) {
          const int i = (block + b) * 4 + half * 2;
          mine[b] = pair_of(sums[i] * over, sums[i + 1] * over);
        }
        swap_quarters(quarter, mine, out);
        if (at < tile.rows)
          *reinterpret_cast<uint4*>(y + (block + quarter) * 8) =
              make_uint4(out[0], out[1], out[2], out[3]);
      }
    }
  }

  /// out[t] of thread q of four = mine[q] of thread t.
  __device__ static void swap_quarters(int quarter,
                                       const std::uint32_t (&mine)[4],
                                       std::uint32_t (&out)[4]) {
#pragma unroll
    for (int away = 0; away < 4; ++away) {
      const int other = quarter ^ away;
      const auto low = other % 2 == 0 ? mine[0] : mine[1];
      const auto high = other % 2 == 0 ? mine[2] : mine[3];
      const auto got = __shfl_xor_sync(~0u, other < 2 ? low : high, away);
#pragma unroll
      for (int t = 0; t < 4; ++t) out[t] = other == t ? got : out[t];
    }
  }

  __device__ void run(TileWalk walk) {
    if (group == 0) pass_by(turn_of(0), 2 * kGroupThreads);
    Tile tile;
    while (walk.next<V::kRows, V::kKeys, V::kCausal>(tile)) {
#pragma unroll
      for (int i = 0; i < V::kDim / 2; ++i) sums[i] = 0;
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        highest[half] = kLowestScore;
        weight[half] = 0;
      }
      wait_for(shared.queries_full, walk.taken() % 2 ^ 1);
      if (tile.key_tiles > 0)
        attend(tile);
      else
        release(shared.queries_empty);
      write(tile);
    }
  }
};

template <class V>
__device__ void start_barriers(Shared<V>& shared) {
  constexpr unsigned kWarps = V::kGroups * kGroupThreads / 32;
  start_barrier(shared.queries_full, 1);
  start_barrier(shared.queries_empty, kWarps);
  for (int stage = 0; stage < V::kStages; ++stage) {
    start_barrier(shared.keys_full[stage], 1);
    start_barrier(shared.keys_empty[stage], kWarps);
    start_barrier(shared.values_full[stage], 1);
    start_barrier(shared.values_empty[stage], kWarps);
  }
  show_barriers();
}

/// Grid: as many blocks as run at once, or fewer.
template <class V>
__global__ void __launch_bounds__(V::kThreads, 1)
    attend_sequences_kernel(const __grid_constant__ AttendSequences a) {
  auto& shared = shared_in_atoms<Shared<V>>();
  const int thread = static_cast<int>(threadIdx.x);
  const int group = __shfl_sync(~0u, thread / kGroupThreads, 0);
  if (thread == 0) start_barriers(shared);
  __syncthreads();
  const TileWalk walk{a.all, static_cast<int>(blockIdx.x),
                      static_cast<int>(gridDim.x)};
  if (group == V::kGroups) {
    give_registers<V::kCopierRegisters>();
    if (thread % kGroupThreads != 0) return;
    prefetch_map(a.queries);
    prefetch_map(a.keys);
    prefetch_map(a.values);
    Copier<V>{a, shared}.run(walk);
  } else {
    take_registers<V::kRegisters>();
    Attender<V>{a, shared, group, thread % kGroupThreads}.run(walk);
  }
}

}  // namespace troupe::kernels::hopper
