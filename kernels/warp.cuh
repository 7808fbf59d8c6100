// What the lanes of a whole warp, or the threads of a block, find together.
// Sums are added in one order, so the same block gives the same bytes.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace troupe::kernels {

inline constexpr int kWarp = 32;
inline constexpr unsigned kAllLanes = ~0u;

/// Of the lanes that differ in the bits of [least, most]; all lanes get it.
template <int kMost = kWarp / 2, int kLeast = 1>
__device__ float warp_sum(float value) {
#pragma unroll
  for (int lanes = kMost; lanes >= kLeast; lanes /= 2)
    value += __shfl_xor_sync(kAllLanes, value, lanes);
  return value;
}

template <int kMost = kWarp / 2, int kLeast = 1>
__device__ float warp_max(float value) {
#pragma unroll
  for (int lanes = kMost; lanes >= kLeast; lanes /= 2)
    value = fmaxf(value, __shfl_xor_sync(kAllLanes, value, lanes));
  return value;
}

/// Of all threads of a block of kWarps whole warps; all get it. `partial` is
/// shared, and free again after the block's next barrier.
template <int kWarps>
__device__ float block_sum(float value, float (&partial)[kWarps]) {
  value = warp_sum(value);
  if (threadIdx.x % kWarp == 0) partial[threadIdx.x / kWarp] = value;
  __syncthreads();
  float sum = 0;
#pragma unroll
  for (int warp = 0; warp < kWarps; ++warp) sum += partial[warp];
  return sum;
}

}  // namespace troupe::kernels
