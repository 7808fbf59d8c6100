// Attention of many rows: a block has 32 rows of one head and takes the keys
// of each sequence among them page by page, in order. Rows of a sequence that
// follow one another share what is read; a row never sees how many do.
#pragma once

#include "kernels/attention_decode.cuh"

namespace troupe::kernels {

inline constexpr int kTileRows = 32;
inline constexpr int kPrefillThreads = 128;
inline constexpr int kRowLanes = 8;  // Threads that share a row.
inline constexpr int kRowsEach = 2;  // A thread's: its own and that one
inline constexpr int kRowStep = kTileRows / kRowsEach;  // so much further.

template <int kDim>
struct PrefillShared {
  // Four more a row: threads that read rows side by side meet other banks.
  alignas(16) float q[kTileRows][kDim + 4];
  alignas(16) float keys[kPage][kDim + 4];
  alignas(16) float values[kPage][kDim];
  float weights[kTileRows][kPage + 4];
  int sequences[kTileRows];
  int positions[kTileRows];
};

/// A page's keys and values from `first` on, zeros beyond `most`.
template <class T, int kDim>
__device__ void load_page(PrefillShared<kDim>& shared, const KvView<T>& kv,
                          std::int64_t from, int first, int most) {
  constexpr int kCount = Vector<T>::kCount;
  for (int i = static_cast<int>(threadIdx.x) * kCount; i < kPage * kDim;
       i += kPrefillThreads * kCount) {
    const int slot = i / kDim, d = i % kDim;
    Vector<T> keys{}, values{};
    if (first + slot <= most) {
      keys = load_vector(kv.keys + from + i);
      values = load_vector(kv.values + from + i);
    }
#pragma unroll
    for (int e = 0; e < kCount; ++e) {
      shared.keys[slot][d + e] = to_float(keys.values[e]);
      shared.values[slot][d + e] = to_float(values.values[e]);
    }
  }
}

__device__ inline float4 four_at(const float* from) {
  return *reinterpret_cast<const float4*>(from);
}

/// What a thread knows of its two rows: a part of their sums, all the rest.
template <int kDim>
struct PrefillThread {
  static constexpr int kKeys = kPage / kRowLanes;
  static constexpr int kFours = kDim / (4 * kRowLanes);

  int lane = static_cast<int>(threadIdx.x) % kRowLanes;
  int row = static_cast<int>(threadIdx.x) / kRowLanes;
  float highest[kRowsEach] = {kLowest, kLowest};
  float weight[kRowsEach] = {};
  float4 sum[kRowsEach][kFours] = {};
};

template <class T, int kDim>
__device__ void load_rows(PrefillShared<kDim>& shared, const AttendRows& a,
                          const KvView<T>& kv, std::int64_t first, int rows) {
  for (int i = static_cast<int>(threadIdx.x); i < kTileRows * kDim;
       i += kPrefillThreads)
    shared.q[i / kDim][i % kDim] =
        i / kDim < rows
            ? a.q[((first + i / kDim) * a.heads + blockIdx.y) * kDim +
                  i % kDim] *
                  (a.scale * kLog2E)
            : 0.f;
  const int row = static_cast<int>(threadIdx.x);
  if (row < kTileRows) {
    shared.sequences[row] = row < rows ? kv.sequences[first + row] : -1;
    shared.positions[row] = row < rows ? kv.positions[first + row] : -1;
  }
}

/// scores[r][k]: of the thread's row r and its k-th key of the page.
template <int kDim, int kKeys>
__device__ void score_page(const PrefillShared<kDim>& shared,
                           const PrefillThread<kDim>& mine,
                           float (&scores)[kRowsEach][kKeys]) {
#pragma unroll 4
  for (int d = 0; d < kDim; d += 4) {
    float4 keys[kKeys];
#pragma unroll
    for (int k = 0; k < kKeys; ++k)
      keys[k] = four_at(&shared.keys[mine.lane + k * kRowLanes][d]);
#pragma unroll
    for (int r = 0; r < kRowsEach; ++r) {
      const auto q = four_at(&shared.q[mine.row + r * kRowStep][d]);
#pragma unroll
      for (int k = 0; k < kKeys; ++k)
        scores[r][k] += q.x * keys[k].x + q.y * keys[k].y + q.z * keys[k].z +
                        q.w * keys[k].w;
    }
  }
}

/// Adds the page's values by the row's weights, which lie in shared memory.
template <int kDim>
__device__ void add_values(const PrefillShared<kDim>& shared,
                           PrefillThread<kDim>& mine, int r, float keep) {
#pragma unroll
  for (auto& s : mine.sum[r])
    s = make_float4(s.x * keep, s.y * keep, s.z * keep, s.w * keep);
#pragma unroll 4
  for (int t = 0; t < kPage; ++t) {
    const float w = shared.weights[mine.row + r * kRowStep][t];
#pragma unroll
    for (int f = 0; f < mine.kFours; ++f) {
      const auto v =
          four_at(&shared.values[t][(f * kRowLanes + mine.lane) * 4]);
      auto& s = mine.sum[r][f];
      s = make_float4(s.x + w * v.x, s.y + w * v.y, s.z + w * v.z,
                      s.w + w * v.w);
    }
  }
}

/// Takes a page, whose first position is `from`, for rows [begin, end).
template <int kDim>
__device__ void attend_page(PrefillShared<kDim>& shared,
                            PrefillThread<kDim>& mine, int begin, int end,
                            int from) {
  constexpr int kKeys = PrefillThread<kDim>::kKeys;
  float scores[kRowsEach][kKeys] = {};
  score_page(shared, mine, scores);
#pragma unroll
  for (int r = 0; r < kRowsEach; ++r) {
    const int row = mine.row + r * kRowStep;
    const bool here = row >= begin && row < end;
    const int last = here ? shared.positions[row] : -1;
    float best = kLowest;
#pragma unroll
    for (int k = 0; k < kKeys; ++k)
      if (from + mine.lane + k * kRowLanes <= last)
        best = fmaxf(best, scores[r][k]);
    best = fmaxf(mine.highest[r], warp_max<kRowLanes / 2>(best));
    const float keep = exp2f(mine.highest[r] - best);
    mine.highest[r] = best;
    float added = 0;
#pragma unroll
    for (int k = 0; k < kKeys; ++k) {
      const int key = mine.lane + k * kRowLanes;
      const float w = from + key <= last ? exp2f(scores[r][k] - best) : 0.f;
      shared.weights[row][key] = w;
      added += w;
    }
    mine.weight[r] = mine.weight[r] * keep + warp_sum<kRowLanes / 2>(added);
    __syncwarp();  // The row's weights are there.
    // Another sequence's values may be no numbers.
    if (here) add_values(shared, mine, r, keep);
  }
}

template <int kDim>
__device__ void store_rows(const PrefillShared<kDim>& shared,
                           const PrefillThread<kDim>& mine, const AttendRows& a,
                           std::int64_t first, int rows) {
#pragma unroll
  for (int r = 0; r < kRowsEach; ++r) {
    const int row = mine.row + r * kRowStep;
    if (row >= rows) continue;
    const float over = shared.positions[row] < 0 ? 0.f : 1.f / mine.weight[r];
    float* y = a.y + ((first + row) * a.heads + blockIdx.y) * kDim;
#pragma unroll
    for (int f = 0; f < mine.kFours; ++f) {
      const auto& s = mine.sum[r][f];
      *reinterpret_cast<float4*>(y + (f * kRowLanes + mine.lane) * 4) =
          make_float4(s.x * over, s.y * over, s.z * over, s.w * over);
    }
  }
}

/// Grid: tiles of rows, heads. REQUIRES: y is aligned to 16 bytes.
template <class T, int kDim>
__global__ void __launch_bounds__(kPrefillThreads)
    attend_tile_kernel(AttendRows a, KvView<T> kv) {
  auto& shared = shared_as<PrefillShared<kDim>>();
  const int kv_head = static_cast<int>(blockIdx.y) / (a.heads / kv.kv_heads);
  const auto first = std::int64_t{blockIdx.x} * kTileRows;
  const int rows = static_cast<int>(
      min(std::int64_t{kTileRows}, std::int64_t{a.rows} - first));
  load_rows(shared, a, kv, first, rows);
  __syncthreads();
  PrefillThread<kDim> mine;
  for (int begin = 0; begin < rows;) {
    const int sequence = shared.sequences[begin];
    int end = begin, most = -1;
    while (end < rows && shared.sequences[end] == sequence)
      most = max(most, shared.positions[end++]);
    for (int from = 0; from <= most; from += kPage) {
      __syncthreads();  // The page before is done with.
      const auto page = kv.page_of(first + begin, from / kPage);
      load_page(shared, kv, kv.at(page, kv_head, 0), from, most);
      __syncthreads();
      attend_page(shared, mine, begin, end, from);
    }
    begin = end;
  }
  store_rows(shared, mine, a, first, rows);
}

}  // namespace troupe::kernels
