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

/// Where a thread of attend_chunk_kernel stands, and how it shares the work.
template <class T, int kDim, int kHeads>
struct DecodePlace {
  static constexpr int kCount = Vector<T>::kCount;
  static constexpr int kLanes = kDim / kCount;        // That share a position,
  static constexpr int kAtOnce = kWarp / kLanes;      // so many a warp takes,
  static constexpr int kTimes = kHeads >= 8 ? 2 : 4;  // so many times at once.
  static constexpr int kStep = kDecodeWarps * kAtOnce * kTimes;

  __device__ DecodePlace(const AttendRows& a, const KvView<T>& kv,
                         const Chunks& out)
      : row{std::int64_t{blockIdx.x}},
        begin{static_cast<int>(blockIdx.z) * out.positions},
        end{min(begin + out.positions, kv.positions[row] + 1)},
        lane{static_cast<int>(threadIdx.x) % kWarp},
        warp{static_cast<int>(threadIdx.x) / kWarp},
        part{lane % kLanes * kCount} {
    const int group = a.heads / kv.kv_heads;
    const int parts = (group + kHeads - 1) / kHeads;
    const int first = static_cast<int>(blockIdx.y) % parts * kHeads;
    kv_head = static_cast<int>(blockIdx.y) / parts;
    heads = min(kHeads, group - first);
    row_head = row * a.heads + kv_head * group + first;
  }

  /// The position that the lane takes as the `time`-th from `from` on.
  __device__ int position(int from, int time) const {
    return from + (warp * kTimes + time) * kAtOnce + lane / kLanes;
  }

  std::int64_t row;
  int begin, end;  // Positions.
  int lane, warp;
  int part;  // The lane's first element of each vector.
  int kv_head, heads;
  std::int64_t row_head;  // The first head's place among all rows' heads.
};

/// Adds what the positions from `from` on give.
template <class T, int kDim, int kHeads>
__device__ void attend_positions(const DecodePlace<T, kDim, kHeads>& place,
                                 const KvView<T>& kv,
                                 const float (&q)[kHeads][Vector<T>::kCount],
                                 int from,
                                 Running<kHeads, Vector<T>::kCount>& running) {
  using Place = DecodePlace<T, kDim, kHeads>;
  std::int64_t at[Place::kTimes];
  float scores[Place::kTimes][kHeads];
  Vector<T> elements[Place::kTimes];
#pragma unroll
  for (int u = 0; u < Place::kTimes; ++u) {
    const int t = min(place.position(from, u), place.end - 1);
    at[u] = kv.at(kv.page_of(place.row, t / kPage), place.kv_head, t % kPage) +
            place.part;
    elements[u] = load_vector(kv.keys + at[u]);
  }
#pragma unroll
  for (int u = 0; u < Place::kTimes; ++u)
#pragma unroll
    for (int h = 0; h < kHeads; ++h) {
      float dot = 0;
#pragma unroll
      for (int i = 0; i < Place::kCount; ++i)
        dot += q[h][i] * to_float(elements[u].values[i]);
      scores[u][h] = warp_sum<Place::kLanes / 2>(dot);
    }
#pragma unroll
  for (int u = 0; u < Place::kTimes; ++u)
    elements[u] = load_vector(kv.values + at[u]);
#pragma unroll
  for (int h = 0; h < kHeads; ++h) {
    float best = running.highest[h];
#pragma unroll
    for (int u = 0; u < Place::kTimes; ++u)
      if (place.position(from, u) < place.end) best = fmaxf(best, scores[u][h]);
    running.raise(h, best);
#pragma unroll
    for (int u = 0; u < Place::kTimes; ++u) {
      const bool seen = place.position(from, u) < place.end;
      const float weight = seen ? exp2f(scores[u][h] - best) : 0.f;
      running.weight[h] += weight;
#pragma unroll
      for (int i = 0; i < Place::kCount; ++i)
        running.sum[h][i] += weight * to_float(elements[u].values[i]);
    }
  }
}

/// Puts together what the warps know, and stores it as the chunk's.
template <class T, int kDim, int kHeads>
__device__ void store_chunk(const DecodePlace<T, kDim, kHeads>& place,
                            const Running<kHeads, Vector<T>::kCount>& running,
                            const Chunks& out) {
  auto& shared = shared_as<DecodeShared<kDim, kHeads>>();
  if (place.lane < place.kLanes) {
#pragma unroll
    for (int h = 0; h < kHeads; ++h) {
      shared.highest[place.warp][h] = running.highest[h];
      shared.weight[place.warp][h] = running.weight[h];
#pragma unroll
      for (int i = 0; i < place.kCount; ++i)
        shared.sum[place.warp][h][place.part + i] = running.sum[h][i];
    }
  }
  __syncthreads();
  for (int i = static_cast<int>(threadIdx.x); i < place.heads * kDim;
       i += kDecodeThreads) {
    const int h = i / kDim;
    float best = kLowest, weight = 0, sum = 0;
    for (int w = 0; w < kDecodeWarps; ++w)
      best = fmaxf(best, shared.highest[w][h]);
    for (int w = 0; w < kDecodeWarps; ++w) {
      const float keep = exp2f(shared.highest[w][h] - best);
      weight += keep * shared.weight[w][h];
      sum += keep * shared.sum[w][h][i % kDim];
    }
    float* to = out.of<kDim>(place.row_head + h, static_cast<int>(blockIdx.z));
    to[2 + i % kDim] = sum;
    if (i % kDim != 0) continue;
    to[0] = best;
    to[1] = weight;
  }
}

/// Grid: rows, kv heads times parts of their groups, chunks.
template <class T, int kDim, int kHeads>
__global__ void __launch_bounds__(kDecodeThreads)
    attend_chunk_kernel(AttendRows a, KvView<T> kv, Chunks out) {
  using Place = DecodePlace<T, kDim, kHeads>;
  const Place place{a, kv, out};
  if (place.begin >= place.end) return;
  float q[kHeads][Place::kCount];
#pragma unroll
  for (int h = 0; h < kHeads; ++h)
#pragma unroll
    for (int i = 0; i < Place::kCount; ++i)
      q[h][i] = h < place.heads
                    ? a.q[(place.row_head + h) * kDim + place.part + i] *
                          (a.scale * kLog2E)
                    : 0.f;
  Running<kHeads, Place::kCount> running;
  running.clear();
  // As often for each warp: the compiler then knows that its lanes are
  // together.
  for (int from = place.begin; from < place.end; from += Place::kStep)
    attend_positions(place, kv, q, from, running);
#pragma unroll
  for (int lanes = Place::kLanes; lanes < kWarp; lanes *= 2)
    running.join(lanes);
  store_chunk(place, running, out);
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
