// What attention over a paged cache needs of a step's rows before it starts:
// queries in bf16, and which rows follow one another.
#pragma once

#include <cstdint>

#include "kernels/hopper/ptx.cuh"

namespace troupe::kernels::hopper {

inline constexpr int kRoundThreads = 256;
inline constexpr int kFindThreads = 1024;

/// to[i] = q[i] as bf16, two by two. Grid: rows; `pairs` a row.
__global__ void __launch_bounds__(kRoundThreads)
    round_queries_kernel(std::uint32_t* to, const float* q, int pairs) {
  const auto first = std::int64_t{blockIdx.x} * pairs;
  for (int i = static_cast<int>(threadIdx.x); i < pairs; i += kRoundThreads)
    to[first + i] = pair_of(q[2 * (first + i)], q[2 * (first + i) + 1]);
}

/// Rows of one sequence at positions that follow one another are a run.
struct Runs {
  std::int32_t* count;
  std::int32_t* starts;     // [rows + 1]: where each begins, and the end
  std::int32_t* sequences;  // [rows]
  std::int32_t* seen;       // [rows]: keys that a run's last row sees
};

struct StepRows {
  const std::int32_t* sequences;
  const std::int32_t* positions;
  int rows;

  /// Row r is a run's first; so is the one after the last.
  __device__ bool begins(int r) const {
    return r == 0 || r == rows || sequences[r] != sequences[r - 1] ||
           positions[r] != positions[r - 1] + 1;
  }
};

/// One block.
__global__ void __launch_bounds__(kFindThreads)
    find_runs_kernel(Runs runs, StepRows step) {
  constexpr int kWarps = kFindThreads / 32;
  __shared__ int of_warp[kWarps];
  const int thread = static_cast<int>(threadIdx.x);
  const int lane = thread % 32, warp = thread / 32;
  int before = 0;  // Runs of the rows before.
  for (int first = 0; first < step.rows; first += kFindThreads) {
    const int r = first + thread;
    const bool begins = r < step.rows && step.begins(r);
    const unsigned which = __ballot_sync(~0u, begins);
    if (lane == 0) of_warp[warp] = __popc(which);
    __syncthreads();
    int run = before, all = 0;
    for (int w = 0; w < kWarps; ++w) {
      if (w < warp) run += of_warp[w];
      all += of_warp[w];
    }
    // The run that this row belongs to.
    run += __popc(which & (~0u >> (31 - lane))) - 1;
    if (begins) {
      runs.starts[run] = r;
      runs.sequences[run] = step.sequences[r];
    }
    if (r < step.rows && step.begins(r + 1))
      runs.seen[run] = step.positions[r] + 1;
    before += all;
    __syncthreads();
  }
  if (thread != 0) return;
  runs.starts[before] = step.rows;
  *runs.count = before;
}

}  // namespace troupe::kernels::hopper
