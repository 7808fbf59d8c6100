// Attention of rows one by one over the paged cache on Hopper: a block has a
// chunk of a row's positions and all heads that share a kv head. Each warp
// takes every fourth page through a ring of its own, which TMA fills, so warps
// wait for nobody; the heads are the rows of tensor core products. What a chunk
// found is what attention_decode.cuh says, and put together there.
#pragma once

#include "kernels/attention_decode.cuh"
#include "kernels/hopper/layout.hpp"
#include "kernels/hopper/mma.cuh"
#include "kernels/hopper/shared.cuh"
#include "kernels/hopper/tiles.hpp"

namespace troupe::kernels::hopper {

inline constexpr int kHeadRows = 16;  // Of a product: heads, the rest zeros.

/// kHalves: of the 16 rows, eight by eight, that heads may be in.
template <int kDim_, int kHalves_>
struct PageVariant {
  static constexpr int kDim = kDim_;
  static constexpr int kHalves = kHalves_;
  static constexpr int kWarps = 4;
  static constexpr int kThreads = kWarps * kWarp;
  static constexpr int kStages = kDim == 64 ? 4 : 2;
  // 64 KiB of pages each: of a multiprocessor's blocks one computes while what
  // the others asked for is under way.
  static constexpr int kBlocks = 3;
};

template <class V>
struct PageStage {
  std::uint16_t keys[kPage * V::kDim];
  std::uint16_t values[kPage * V::kDim];
};

/// Begins at a multiple of kAtomBytes.
template <class V>
struct PagesShared {
  PageStage<V> stages[V::kWarps][V::kStages];
  Barrier full[V::kWarps][V::kStages];
  float highest[V::kWarps][kHeadRows];
  float weight[V::kWarps][kHeadRows];
};

struct DecodePages {
  TensorMap keys;  // [pages * kv_heads, kPage, dim], boxes [1, kPage, kColumn]
  TensorMap values;  // as keys
  AttendRows rows;
  KvView<__nv_bfloat16> kv;
  Chunks out;
};

/// A warp's pages of a chunk: the first, and every kWarps-th from there.
struct WarpPages {
  const std::int32_t* table;  // Of the warp's first page.
  int count;
  int left;  // Positions of the chunk from the warp's first page on.
};

template <class V>
struct WarpDecoder {
  const DecodePages& a;
  PageStage<V> (&ring)[V::kStages];
  Barrier (&full)[V::kStages];
  int lane;
  int kv_head;
  int page_numbers = 0;  // A lane's, of the next 32.
  std::uint32_t queries[V::kDim / 16][4];
  float sums[V::kDim / 8][4];
  float highest[V::kHalves];
  float weight[V::kHalves];

  __device__ void start(const float* q, int heads) {
#pragma unroll
    for (int d = 0; d < V::kDim / 16; ++d)
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const int head = lane / 4 + i % 2 * 8;
        const float* from =
            q + head * V::kDim + d * 16 + i / 2 * 8 + lane % 4 * 2;
        queries[d][i] = head < heads ? pair_of(from[0], from[1]) : 0u;
      }
#pragma unroll
    for (auto& sum : sums) sum[0] = sum[1] = sum[2] = sum[3] = 0;
#pragma unroll
    for (int half = 0; half < V::kHalves; ++half) {
      highest[half] = kLowest;
      weight[half] = 0;
    }
  }

  /// Asks for page `i` of the warp's; in order, by all lanes.
  __device__ void ask(const WarpPages& pages, int i) {
    if (i % kWarp == 0)
      page_numbers =
          i + lane < pages.count ? pages.table[(i + lane) * V::kWarps] : 0;
    const int page = __shfl_sync(kAllLanes, page_numbers, i % kWarp);
    if (lane != 0) return;
    auto& stage = ring[i % V::kStages];
    auto& barrier = full[i % V::kStages];
    const int at = page * a.kv.kv_heads + kv_head;
    arrive_expecting(barrier, 2 * tile_bytes(kPage, V::kDim));
    for (int d = 0; d < V::kDim; d += kColumn) {
      copy_box(&stage.keys[d * kPage], a.keys, barrier, d, 0, at);
      copy_box(&stage.values[d * kPage], a.values, barrier, d, 0, at);
    }
  }

  /// Where this lane's row of four matrices lies, two by two from [row,
  /// column].
  __device__ const void* row_of(const std::uint16_t* tile, int row,
                                int column) const {
    return reinterpret_cast<const unsigned char*>(tile) +
           tile_offset(kPage, row + lane % 8, column);
  }

  __device__ void score(const PageStage<V>& stage, float (&scores)[2][4]) {
#pragma unroll
    for (int d = 0; d < V::kDim / 16; ++d) {
      std::uint32_t keys[4];
      load_matrices(
          keys, row_of(stage.keys, lane / 16 * 8, d * 16 + lane / 8 % 2 * 8));
      multiply_small(scores[0], queries[d], keys[0], keys[1]);
      multiply_small(scores[1], queries[d], keys[2], keys[3]);
    }
  }

  /// Of the last page: what was never written counts for nothing.
  __device__ void mask(PageStage<V>& stage, int valid, float (&scores)[2][4]) {
#pragma unroll
    for (int t = 0; t < 2; ++t)
#pragma unroll
      for (int i = 0; i < 4; ++i)
        if (t * 8 + lane % 4 * 2 + i % 2 >= valid) scores[t][i] = -INFINITY;
    for (int column = 0; column < V::kDim; column += kColumn)
      for (int i = valid * kColumn / 2 + lane; i < kPage * kColumn / 2;
           i += kWarp)
        reinterpret_cast<std::uint32_t*>(&stage.values[column * kPage])[i] = 0;
    show_writes();
    __syncwarp();
  }

  __device__ void weigh(float (&scores)[2][4]) {
    const float scale = a.rows.scale * kLog2E;
#pragma unroll
    for (int half = 0; half < V::kHalves; ++half) {
      float* low = &scores[0][half * 2];
      float* high = &scores[1][half * 2];
      float best = fmaxf(fmaxf(low[0], low[1]), fmaxf(high[0], high[1]));
      best = fmaxf(highest[half], warp_max<2>(best));
      const float keep = power_of_two((highest[half] - best) * scale);
      highest[half] = best;
      weight[half] *= keep;
#pragma unroll
      for (float* pair : {low, high})
#pragma unroll
        for (int i = 0; i < 2; ++i) {
          pair[i] = power_of_two(fmaf(pair[i], scale, -best * scale));
          weight[half] += pair[i];
        }
#pragma unroll
      for (auto& sum : sums) {
        sum[half * 2] *= keep;
        sum[half * 2 + 1] *= keep;
      }
    }
  }

  __device__ void take(PageStage<V>& stage, int valid) {
    float scores[2][4] = {};
    score(stage, scores);
    if (valid < kPage) mask(stage, valid, scores);
    weigh(scores);
    std::uint32_t weights[4] = {};
#pragma unroll
    for (int half = 0; half < V::kHalves; ++half) {
      weights[half] = pair_of(scores[0][half * 2], scores[0][half * 2 + 1]);
      weights[2 + half] = pair_of(scores[1][half * 2], scores[1][half * 2 + 1]);
    }
#pragma unroll
    for (int d = 0; d < V::kDim; d += 16) {
      std::uint32_t values[4];
      load_matrices_across(
          values, row_of(stage.values, lane / 8 % 2 * 8, d + lane / 16 * 8));
      multiply_small(sums[d / 8], weights, values[0], values[1]);
      multiply_small(sums[d / 8 + 1], weights, values[2], values[3]);
    }
  }

  __device__ void run(const WarpPages& pages) {
    for (int i = 0; i < V::kStages && i < pages.count; ++i) ask(pages, i);
    for (int i = 0; i < pages.count; ++i) {
      const RingPlace<V::kStages> at{static_cast<std::uint32_t>(i)};
      wait_for(full[at.stage], at.parity);
      take(ring[at.stage], pages.left - i * V::kWarps * kPage);
      __syncwarp();  // The page is done with.
      if (i + V::kStages < pages.count) ask(pages, i + V::kStages);
    }
  }

  /// What the warp found, for the block: sums [kHeadRows, kDim].
  __device__ void leave(float* to, float* best, float* total) {
#pragma unroll
    for (int half = 0; half < V::kHalves; ++half) {
      const int head = lane / 4 + half * 8;
      const float all = warp_sum<2>(weight[half]);
      if (lane % 4 == 0) {
        best[head] = highest[half] * (a.rows.scale * kLog2E);
        total[head] = all;
      }
#pragma unroll
      for (int d = 0; d < V::kDim / 8; ++d)
#pragma unroll
        for (int i = 0; i < 2; ++i)
          to[head * V::kDim + d * 8 + lane % 4 * 2 + i] = sums[d][half * 2 + i];
    }
  }
};

/// Joins the warps, in order, and writes what the chunk found.
template <class V>
__device__ void join_warps(PagesShared<V>& shared, const float* sums,
                           const Chunks& out, std::int64_t row_head, int heads,
                           int chunk) {
  for (int i = static_cast<int>(threadIdx.x); i < heads * V::kDim;
       i += V::kThreads) {
    const int h = i / V::kDim;
    float best = kLowest, weight = 0, sum = 0;
    for (int w = 0; w < V::kWarps; ++w)
      best = fmaxf(best, shared.highest[w][h]);
    for (int w = 0; w < V::kWarps; ++w) {
      const float keep = exp2f(shared.highest[w][h] - best);
      weight += keep * shared.weight[w][h];
      sum += keep * sums[w * kHeadRows * V::kDim + i];
    }
    float* to = out.of<V::kDim>(row_head + h, chunk);
    to[2 + i % V::kDim] = sum;
    if (i % V::kDim != 0) continue;
    to[0] = best;
    to[1] = weight;
  }
}

/// Grid: rows, kv heads, chunks.
template <class V>
__global__ void __launch_bounds__(V::kThreads, V::kBlocks)
    decode_pages_kernel(const __grid_constant__ DecodePages a) {
  const auto row = std::int64_t{blockIdx.x};
  const int chunk = static_cast<int>(blockIdx.z);
  const int begin = chunk * a.out.positions;
  const int end = min(begin + a.out.positions, a.kv.positions[row] + 1);
  if (begin >= end) return;
  auto& shared = shared_in_atoms<PagesShared<V>>();
  const int thread = static_cast<int>(threadIdx.x);
  // As lane 0 has it: the compiler then knows that lanes are together.
  const int warp = __shfl_sync(kAllLanes, thread / kWarp, 0);
  const int kv_head = static_cast<int>(blockIdx.y);
  const int group = a.rows.heads / a.kv.kv_heads;
  const auto row_head = row * a.rows.heads + kv_head * group;
  if (thread % kWarp == 0) {
    for (auto& barrier : shared.full[warp]) start_barrier(barrier, 1);
    show_barriers();
  }
  __syncwarp();
  const int pages = (end - begin + kPage - 1) / kPage - warp;
  const WarpPages mine{
      .table = a.kv.page_table +
               std::int64_t{a.kv.sequences[row]} * a.kv.most_pages +
               begin / kPage + warp,
      .count = pages > 0 ? (pages + V::kWarps - 1) / V::kWarps : 0,
      .left = end - begin - warp * kPage};
  WarpDecoder<V> decoder{a, shared.stages[warp], shared.full[warp],
                         thread % kWarp, kv_head};
  decoder.start(a.rows.q + row_head * V::kDim, group);
  decoder.run(mine);
  __syncthreads();  // All pages are done with: their place is free.
  auto* sums = reinterpret_cast<float*>(&shared.stages);
  static_assert(sizeof(shared.stages) >=
                V::kWarps * kHeadRows * V::kDim * sizeof(float));
  decoder.leave(sums + warp * kHeadRows * V::kDim, shared.highest[warp],
                shared.weight[warp]);
  __syncthreads();
  join_warps(shared, sums, a.out, row_head, group, chunk);
}

}  // namespace troupe::kernels::hopper
