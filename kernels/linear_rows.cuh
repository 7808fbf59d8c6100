// Products of a few rows with weights that lie as rows of f32 or bf16. A block
// has four outputs and all inputs of them: each weight is read once, 16 bytes
// a thread, and serves all rows of x.
#pragma once

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/launch.cuh"
#include "kernels/vector.cuh"
#include "kernels/warp.cuh"
#include "kernels/weights.cuh"

namespace troupe::kernels {

/// A product of at most kRows rows, as the kernels take it.
struct SmallProduct {
  float* y;
  const float* x;
  const void* weight;
  const float* bias;  // Null: none.
  int rows;
  int inputs;
  int outputs;
  std::int64_t weight_stride;  // Rows only, in elements.
  bool aligned;                // Every fourth input of each row, to 16 bytes.
};

inline constexpr int kLinearThreads = 128;
inline constexpr int kLinearWarps = kLinearThreads / kWarp;

/// kCount inputs of a row from `input` on; zeros beyond the last.
template <int kCount>
__device__ void load_inputs(float (&to)[kCount], const SmallProduct& p, int row,
                            int input) {
  const auto* x = p.x + std::int64_t{row} * p.inputs + input;
  if (p.aligned && input + kCount <= p.inputs) {
#pragma unroll
    for (int i = 0; i < kCount; i += 4) {
      const auto four = *reinterpret_cast<const float4*>(x + i);
      to[i] = four.x;
      to[i + 1] = four.y;
      to[i + 2] = four.z;
      to[i + 3] = four.w;
    }
    return;
  }
#pragma unroll
  for (int i = 0; i < kCount; ++i) to[i] = input + i < p.inputs ? x[i] : 0.f;
}

template <int kRows>
struct LinearRowsShared {
  float partial[kLinearWarps][kRows * 4];
};

template <class T, int kRows>
__global__ void __launch_bounds__(kLinearThreads)
    linear_rows_kernel(SmallProduct p) {
  constexpr int kOutputs = 4;
  constexpr int kCount = Vector<T>::kCount;
  auto& shared = shared_as<LinearRowsShared<kRows>>();
  const int thread = static_cast<int>(threadIdx.x);
  const int first = static_cast<int>(blockIdx.x) * kOutputs;
  const auto* weight = static_cast<const T*>(p.weight);
  float sum[kRows][kOutputs] = {};
  for (int k = thread * kCount; k < p.inputs; k += kLinearThreads * kCount) {
    Vector<T> w[kOutputs];
#pragma unroll
    for (int o = 0; o < kOutputs; ++o)
      w[o] = load_vector(weight +
                         min(first + o, p.outputs - 1) * p.weight_stride + k);
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      float x[kCount];
      load_inputs(x, p, min(r, p.rows - 1), k);
#pragma unroll
      for (int o = 0; o < kOutputs; ++o)
#pragma unroll
        for (int i = 0; i < kCount; ++i)
          sum[r][o] += to_float(w[o].values[i]) * x[i];
    }
  }
#pragma unroll
  for (int i = 0; i < kRows * kOutputs; ++i) {
    const float of_warp = warp_sum(sum[i / kOutputs][i % kOutputs]);
    if (thread % kWarp == 0) shared.partial[thread / kWarp][i] = of_warp;
  }
  __syncthreads();
  const int row = thread / kOutputs, output = first + thread % kOutputs;
  if (row >= min(kRows, p.rows) || output >= p.outputs) return;
  float y = 0;
#pragma unroll
  for (int warp = 0; warp < kLinearWarps; ++warp)
    y += shared.partial[warp][thread];
  if (p.bias != nullptr) y += p.bias[output];
  p.y[std::int64_t{row} * p.outputs + output] = y;
}

}  // namespace troupe::kernels
