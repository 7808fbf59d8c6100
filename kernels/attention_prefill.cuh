// Attention of many rows: a block has 32 rows of one head and takes the keys
// of each sequence among them page by page, in order. Rows of a sequence that
// follow one another share what is read; a row never sees how many do.
#pragma once

#include "kernels/attention_decode.cuh"

namespace troupe::kernels {

inline constexpr int kTileRows = 32;
inline constexpr int kPrefillThreads = 128;
inline constexpr int kRowLanes = 8;  // Threads that share a row.
inline constexpr int kRowsEach = 2;  // A thread's: its own and 16 further.

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

/// Grid: tiles of rows, heads.
template <class T, int kDim>
__global__ void __launch_bounds__(kPrefillThreads)
    attend_tile_kernel(AttendRows a, KvView<T> kv) {
  constexpr int kKeysEach = kPage / kRowLanes;
  constexpr int kFours = kDim / (4 * kRowLanes);  // Of a row of values.
  auto& shared = shared_as<PrefillShared<kDim>>();
  const int thread = static_cast<int>(threadIdx.x);
  const int head = static_cast<int>(blockIdx.y);
  const int kv_head = head / (a.heads / kv.kv_heads);
  const auto first_row = std::int64_t{blockIdx.x} * kTileRows;
  const int rows = static_cast<int>(
      min(std::int64_t{kTileRows}, std::int64_t{a.rows} - first_row));
  const auto place = [&](int r) {
    return ((first_row + r) * a.heads + head) * kDim;
  };
  for (int i = thread; i < kTileRows * kDim; i += kPrefillThreads)
    shared.q[i / kDim][i % kDim] =
        i / kDim < rows ? a.q[place(i / kDim) + i % kDim] * (a.scale * kLog2E)
                        : 0.f;
  if (thread < kTileRows) {
    shared.sequences[thread] =
        thread < rows ? kv.sequences[first_row + thread] : -1;
    shared.positions[thread] =
        thread < rows ? kv.positions[first_row + thread] : -1;
  }
  __syncthreads();

  const int lane = thread % kRowLanes;
  const int own_row = thread / kRowLanes;
  float highest[kRowsEach], weight[kRowsEach] = {};
  float4 sum[kRowsEach][kFours] = {};
  for (float& value : highest) value = kLowest;

  for (int begin = 0; begin < rows;) {
    const int sequence = shared.sequences[begin];
    int end = begin, most = -1;
    while (end < rows && shared.sequences[end] == sequence)
      most = max(most, shared.positions[end++]);
    for (int t0 = 0; t0 <= most; t0 += kPage) {
      __syncthreads();  // The page before is done with.
      const auto page = kv.page_of(first_row + begin, t0 / kPage);
      load_page(shared, kv, kv.at(page, kv_head, 0), t0, most);
      __syncthreads();
      float scores[kRowsEach][kKeysEach] = {};
#pragma unroll 4
      for (int d = 0; d < kDim; d += 4) {
        float4 keys[kKeysEach];
#pragma unroll
        for (int k = 0; k < kKeysEach; ++k)
          keys[k] = four_at(&shared.keys[lane + k * kRowLanes][d]);
#pragma unroll
        for (int r = 0; r < kRowsEach; ++r) {
          const auto q = four_at(&shared.q[own_row + r * 16][d]);
#pragma unroll
          for (int k = 0; k < kKeysEach; ++k)
            scores[r][k] += q.x * keys[k].x + q.y * keys[k].y +
                            q.z * keys[k].z + q.w * keys[k].w;
        }
      }
#pragma unroll
      for (int r = 0; r < kRowsEach; ++r) {
        const int row = own_row + r * 16;
        const bool here = row >= begin && row < end;
        float best = kLowest;
        bool seen[kKeysEach];
#pragma unroll
        for (int k = 0; k < kKeysEach; ++k) {
          seen[k] = here && t0 + lane + k * kRowLanes <= shared.positions[row];
          best = seen[k] ? fmaxf(best, scores[r][k]) : best;
        }
        best = fmaxf(highest[r], warp_max<kRowLanes / 2>(best));
        const float keep = exp2f(highest[r] - best);
        highest[r] = best;
        float added = 0;
#pragma unroll
        for (int k = 0; k < kKeysEach; ++k) {
          const float w = seen[k] ? exp2f(scores[r][k] - best) : 0.f;
          shared.weights[row][lane + k * kRowLanes] = w;
          added += w;
        }
        weight[r] = weight[r] * keep + warp_sum<kRowLanes / 2>(added);
        __syncwarp();         // The row's weights are there.
        if (!here) continue;  // Another sequence's values may be no numbers.
#pragma unroll
        for (int f = 0; f < kFours; ++f) {
          auto& s = sum[r][f];
          s = make_float4(s.x * keep, s.y * keep, s.z * keep, s.w * keep);
        }
#pragma unroll 4
        for (int t = 0; t < kPage; ++t) {
          const float w = shared.weights[row][t];
#pragma unroll
          for (int f = 0; f < kFours; ++f) {
            const auto v =
                four_at(&shared.values[t][(f * kRowLanes + lane) * 4]);
            auto& s = sum[r][f];
            s = make_float4(s.x + w * v.x, s.y + w * v.y, s.z + w * v.z,
                            s.w + w * v.w);
          }
        }
      }
    }
    begin = end;
  }

#pragma unroll
  for (int r = 0; r < kRowsEach; ++r) {
    const int row = own_row + r * 16;
    if (row >= rows) continue;
    const float over = shared.positions[row] < 0 ? 0.f : 1.f / weight[r];
#pragma unroll
    for (int f = 0; f < kFours; ++f) {
      const auto& s = sum[r][f];
      float* y = a.y + place(row) + (f * kRowLanes + lane) * 4;
      y[0] = s.x * over;
      y[1] = s.y * over;
      y[2] = s.z * over;
      y[3] = s.w * over;
    }
  }
}

}  // namespace troupe::kernels
