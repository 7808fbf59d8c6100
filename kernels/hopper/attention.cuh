// Attention of whole sequences on Hopper: one warp copies tiles of keys and
// values, two or three warpgroups of 64 rows each take turns, so that the
// softmax of one hides under the products of another; each also begins its
// next scores before it weighs the last values. Source: Shah 2024
// (FlashAttention-3).
#pragma once

#include "kernels/hopper/attender.cuh"
#include "kernels/hopper/copier.cuh"
#include "kernels/hopper/shared.cuh"

namespace troupe::kernels::hopper {

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
    constexpr int kCopiers = V::kPaged ? 32 : 1;
    if (thread % kGroupThreads >= kCopiers) return;
    prefetch_map(a.queries);
    prefetch_map(a.keys);
    prefetch_map(a.values);
    Copier<V>{a, shared, thread % kGroupThreads}.run(walk);
  } else {
    take_registers<V::kRegisters>();
    Attender<V>{a, shared, group, thread % kGroupThreads}.run(walk);
  }
}

}  // namespace troupe::kernels::hopper
