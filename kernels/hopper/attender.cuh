// A warpgroup that computes: scores, weights and sums of its rows, in turns
// with the others.
#pragma once

#include "kernels/hopper/variant.cuh"

namespace troupe::kernels::hopper {

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
      const auto to =
          ((std::int64_t{tile.first_row} + at) * a.all.heads() + tile.head) *
          V::kDim;
      if constexpr (V::kPaged) {
        if (at < tile.rows)
          write_row(static_cast<float*>(a.y) + to, half, over);
        continue;
      }
      auto* y = static_cast<__nv_bfloat16*>(a.y) + to;
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

  /// In fp32 four threads write whole sectors as it is.
  __device__ void write_row(float* y, int half, float over) const {
#pragma unroll
    for (int i = half * 2; i < V::kDim / 2; i += 4) {
      const auto place = accumulator_place(thread, i);
      *reinterpret_cast<float2*>(y + place.column) =
          make_float2(sums[i] * over, sums[i + 1] * over);
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

}  // namespace troupe::kernels::hopper
