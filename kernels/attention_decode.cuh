// Attention of rows one by one, each over many blocks: a block has a chunk of
// a row's positions and the heads that share a kv head, so a key is read once;
// a second kernel puts the chunks together.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/kv_cache.cuh"
#include "kernels/launch.cuh"
#include "kernels/vector.cuh"
#include "kernels/warp.cuh"

namespace troupe::kernels {

// Below any score that matters, and a number: differences stay numbers.
inline constexpr float kLowest = -1e30f;
inline constexpr float kLog2E = 1.44269504f;

struct AttendRows {
  float* y;
  const float* q;
  int rows;
  int heads;
  float scale;
};

/// What a chunk found: for each row, head and chunk the highest score (times
/// log2 e), the sum of weights and the weighted sum of values.
struct Chunks {
  float* found;
  int positions;
  int chunks;

  template <int kDim>
  __device__ float* of(std::int64_t row_head, int chunk) const {
    return found + (row_head * chunks + chunk) * (kDim + 2);
  }
};

inline constexpr int kDecodeThreads = 128;
inline constexpr int kDecodeWarps = kDecodeThreads / kWarp;

template <int kDim, int kHeads>
struct DecodeShared {
  float highest[kDecodeWarps][kHeads];
  float weight[kDecodeWarps][kHeads];
  float sum[kDecodeWarps][kHeads][kDim];
};

/// What some lanes know of a row's heads so far.
template <int kHeads, int kCount>
struct Running {
  float highest[kHeads];
  float weight[kHeads];
  float sum[kHeads][kCount];

  __device__ void clear() {
#pragma unroll
    for (int h = 0; h < kHeads; ++h) {
      highest[h] = kLowest;
      weight[h] = 0;
#pragma unroll
      for (int i = 0; i < kCount; ++i) sum[h][i] = 0;
    }
  }

  /// Makes room for scores up to `best`.
  __device__ void raise(int h, float best) {
    const float keep = exp2f(highest[h] - best);
    highest[h] = best;
    weight[h] *= keep;
#pragma unroll
    for (int i = 0; i < kCount; ++i) sum[h][i] *= keep;
  }

  /// Adds what the lane `lanes` away knows; both do, and end up equal.
  __device__ void join(int lanes) {
#pragma unroll
    for (int h = 0; h < kHeads; ++h) {
      const float other = __shfl_xor_sync(kAllLanes, highest[h], lanes);
      raise(h, fmaxf(highest[h], other));
      weight[h] += __shfl_xor_sync(kAllLanes, weight[h], lanes);
#pragma unroll
      for (int i = 0; i < kCount; ++i)
        sum[h][i] += __shfl_xor_sync(kAllLanes, sum[h][i], lanes);
    }
  }
};

/// Grid: rows, kv heads times parts of their groups, chunks.
template <class T, int kDim, int kHeads>
__global__ void __launch_bounds__(kDecodeThreads)
    attend_chunk_kernel(AttendRows a, KvView<T> kv, Chunks out) {
  constexpr int kCount = Vector<T>::kCount;
  constexpr int kLanes = kDim / kCount;        // That share a position,
  constexpr int kAtOnce = kWarp / kLanes;      // so many of which a warp takes
  constexpr int kTimes = kHeads >= 8 ? 2 : 4;  // so many times at once.
  const auto row = std::int64_t{blockIdx.x};
  const int begin = static_cast<int>(blockIdx.z) * out.positions;
  const int end = min(begin + out.positions, kv.positions[row] + 1);
  if (begin >= end) return;
  auto& shared = shared_as<DecodeShared<kDim, kHeads>>();
  const int thread = static_cast<int>(threadIdx.x);
  const int lane = thread % kWarp, warp = thread / kWarp;
  const int part = lane % kLanes;
  const int group = a.heads / kv.kv_heads;
  const int parts = (group + kHeads - 1) / kHeads;
  const int kv_head = static_cast<int>(blockIdx.y) / parts;
  const int first = static_cast<int>(blockIdx.y) % parts * kHeads;
  const int heads = min(kHeads, group - first);
  const auto row_head = row * a.heads + kv_head * group + first;

  float q[kHeads][kCount];
#pragma unroll
  for (int h = 0; h < kHeads; ++h)
#pragma unroll
    for (int i = 0; i < kCount; ++i)
      q[h][i] = h < heads ? a.q[(row_head + h) * kDim + part * kCount + i] *
                                (a.scale * kLog2E)
                          : 0.f;

  Running<kHeads, kCount> running;
  running.clear();
  // As often for each warp: the compiler then knows that its lanes are
  // together.
  for (int t_block = begin; t_block < end;
       t_block += kDecodeWarps * kAtOnce * kTimes) {
    const int t0 = t_block + warp * kAtOnce * kTimes;
    std::int64_t at[kTimes];
    bool seen[kTimes];
    float scores[kTimes][kHeads];
#pragma unroll
    for (int u = 0; u < kTimes; ++u) {
      const int t = t0 + u * kAtOnce + lane / kLanes;
      seen[u] = t < end;
      const int from = min(t, end - 1);
      at[u] = kv.at(kv.page_of(row, from / kPage), kv_head, from % kPage) +
              part * kCount;
    }
    Vector<T> elements[kTimes];
#pragma unroll
    for (int u = 0; u < kTimes; ++u) elements[u] = load_vector(kv.keys + at[u]);
#pragma unroll
    for (int u = 0; u < kTimes; ++u)
#pragma unroll
      for (int h = 0; h < kHeads; ++h) {
        float dot = 0;
#pragma unroll
        for (int i = 0; i < kCount; ++i)
          dot += q[h][i] * to_float(elements[u].values[i]);
        scores[u][h] = warp_sum<kLanes / 2>(dot);
      }
#pragma unroll
    for (int u = 0; u < kTimes; ++u)
      elements[u] = load_vector(kv.values + at[u]);
#pragma unroll
    for (int h = 0; h < kHeads; ++h) {
      float best = running.highest[h];
#pragma unroll
      for (int u = 0; u < kTimes; ++u)
        best = seen[u] ? fmaxf(best, scores[u][h]) : best;
      running.raise(h, best);
#pragma unroll
      for (int u = 0; u < kTimes; ++u) {
        const float weight = seen[u] ? exp2f(scores[u][h] - best) : 0.f;
        running.weight[h] += weight;
#pragma unroll
        for (int i = 0; i < kCount; ++i)
          running.sum[h][i] += weight * to_float(elements[u].values[i]);
      }
    }
  }

#pragma unroll
  for (int lanes = kLanes; lanes < kWarp; lanes *= 2) running.join(lanes);
  if (lane < kLanes) {
#pragma unroll
    for (int h = 0; h < kHeads; ++h) {
      shared.highest[warp][h] = running.highest[h];
      shared.weight[warp][h] = running.weight[h];
#pragma unroll
      for (int i = 0; i < kCount; ++i)
        shared.sum[warp][h][part * kCount + i] = running.sum[h][i];
    }
  }
  __syncthreads();
  for (int i = thread; i < heads * kDim; i += kDecodeThreads) {
    const int h = i / kDim;
    float best = kLowest, weight = 0, sum = 0;
    for (int w = 0; w < kDecodeWarps; ++w)
      best = fmaxf(best, shared.highest[w][h]);
    for (int w = 0; w < kDecodeWarps; ++w) {
      const float keep = exp2f(shared.highest[w][h] - best);
      weight += keep * shared.weight[w][h];
      sum += keep * shared.sum[w][h][i % kDim];
    }
    float* to = out.of<kDim>(row_head + h, static_cast<int>(blockIdx.z));
    to[2 + i % kDim] = sum;
    if (i % kDim != 0) continue;
    to[0] = best;
    to[1] = weight;
  }
}

/// Grid: rows, heads. Chunks in order.
template <int kDim>
__global__ void __launch_bounds__(kDim)
    join_chunks_kernel(AttendRows a, const std::int32_t* positions,
                       Chunks chunks) {
  const auto row = std::int64_t{blockIdx.x};
  const auto row_head = row * a.heads + blockIdx.y;
  const int d = static_cast<int>(threadIdx.x);
  const int count = positions[row] + 1;
  const int end = (count + chunks.positions - 1) / chunks.positions;
  float best = kLowest, weight = 0, sum = 0;
  for (int c = 0; c < end; ++c)
    best = fmaxf(best, chunks.of<kDim>(row_head, c)[0]);
  for (int c = 0; c < end; ++c) {
    const float* found = chunks.of<kDim>(row_head, c);
    const float keep = exp2f(found[0] - best);
    weight += keep * found[1];
    sum += keep * found[2 + d];
  }
  a.y[row_head * kDim + d] = count > 0 ? sum / weight : 0.f;
}

}  // namespace troupe::kernels
