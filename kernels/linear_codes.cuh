// Products of a few rows with weights that lie as panels of codes, and the
// way from codes to rows of bf16. A block has one panel: its warps take turns
// at the blocks of 64 inputs, 16 bytes a lane.
#pragma once

#include "kernels/linear_rows.cuh"

namespace troupe::kernels {

template <int kRows>
struct LinearCodesShared {
  float partial[kLinearWarps][kRows][kPanel];
};

template <int kBits, int kRows>
__global__ void __launch_bounds__(kLinearThreads)
    linear_codes_kernel(SmallProduct p) {
  constexpr int kCodes = 32 / kBits;  // Of a word.
  constexpr int kWords = 4;           // Of a load: outputs side by side.
  // A warp's load has 8 inputs' words of all 16 outputs.
  constexpr int kLoads = 2 * kHalfBytes<kBits> / (16 * kWarp);
  auto& shared = shared_as<LinearCodesShared<kRows>>();
  const int thread = static_cast<int>(threadIdx.x);
  const int lane = thread % kWarp, warp = thread / kWarp;
  const int blocks = (p.inputs + kBlockInputs - 1) / kBlockInputs;
  const auto* panel = static_cast<const unsigned char*>(p.weight) +
                      std::int64_t{blockIdx.x} * blocks * kBlockBytes<kBits>;
  const int four = lane % 4;  // Outputs 4 * four and the three next.
  float sum[kRows][kWords] = {};
  // As often for each warp: the compiler then knows that its lanes are
  // together. A warp that has no block left takes the last with inputs that are
  // zero.
  for (int begin = 0; begin < blocks; begin += kLinearWarps) {
    const int at = min(begin + warp, blocks - 1);
    const bool left = begin + warp < blocks;
    const auto* block = panel + std::int64_t{at} * kBlockBytes<kBits>;
#pragma unroll
    for (int load = 0; load < kLoads; ++load) {
      const int byte = (load * kWarp + lane) * 16;
      const auto words = load_vector(
          reinterpret_cast<const std::uint32_t*>(block + kScaleBytes + byte));
      const int half = byte / kHalfBytes<kBits>;
      const auto scales =
          *reinterpret_cast<const uint2*>(block + half * kPanel * 2 + four * 8);
      const int input =
          left ? at * kBlockInputs + byte / (kPanel * 4) * kCodes : p.inputs;
      float scale[kWords];
      half_pair_to_float(scale[0], scale[1], scales.x);
      half_pair_to_float(scale[2], scale[3], scales.y);
#pragma unroll
      for (int r = 0; r < kRows; ++r) {
        float x[kCodes];
        load_inputs(x, p, min(r, p.rows - 1), input);
#pragma unroll
        for (int w = 0; w < kWords; ++w) {
          float dot = 0;
#pragma unroll
          for (int i = 0; i < kCodes; ++i)
            dot += decode<kBits>(words.values[w], i) * x[i];
          sum[r][w] += scale[w] * dot;
        }
      }
    }
  }
#pragma unroll
  for (int r = 0; r < kRows; ++r)
#pragma unroll
    for (int w = 0; w < kWords; ++w) {
      const float of_warp = warp_sum<16, 4>(sum[r][w]);
      if (lane < 4) shared.partial[warp][r][four * kWords + w] = of_warp;
    }
  __syncthreads();
  for (int i = thread; i < kRows * kPanel; i += kLinearThreads) {
    const int row = i / kPanel;
    const int output = static_cast<int>(blockIdx.x) * kPanel + i % kPanel;
    if (row >= p.rows || output >= p.outputs) continue;
    float y = 0;
#pragma unroll
    for (int part = 0; part < kLinearWarps; ++part)
      y += shared.partial[part][row][i % kPanel];
    if (p.bias != nullptr) y += p.bias[output];
    p.y[std::int64_t{row} * p.outputs + output] = y;
  }
}

/// Outputs [0, panels of the grid * 16) of `panels` as rows of bf16, `stride`
/// elements each; what lies beyond the inputs is not written.
template <int kBits>
__global__ void __launch_bounds__(kLinearThreads)
    codes_to_rows_kernel(__nv_bfloat16* rows, const unsigned char* panels,
                         int inputs, std::int64_t stride) {
  constexpr int kCodes = 32 / kBits;
  constexpr int kWords = 2 * kHalfBytes<kBits> / 4;  // Of a block.
  const int blocks = (inputs + kBlockInputs - 1) / kBlockInputs;
  const auto* panel =
      panels + std::int64_t{blockIdx.x} * blocks * kBlockBytes<kBits>;
  for (int i = static_cast<int>(threadIdx.x); i < blocks * kWords;
       i += kLinearThreads) {
    const auto* block = panel + std::int64_t{i / kWords} * kBlockBytes<kBits>;
    const int word = i % kWords, lane = word % kPanel;
    const auto codes =
        reinterpret_cast<const std::uint32_t*>(block + kScaleBytes)[word];
    const int half = word / (kWords / 2);
    const float scale = __half2float(
        reinterpret_cast<const __half*>(block)[half * kPanel + lane]);
    const int input = i / kWords * kBlockInputs + word / kPanel * kCodes;
    auto* to = rows + (std::int64_t{blockIdx.x} * kPanel + lane) * stride;
#pragma unroll
    for (int code = 0; code < kCodes; ++code)
      if (input + code < inputs)
        to[input + code] = __float2bfloat16(decode<kBits>(codes, code) * scale);
  }
}

}  // namespace troupe::kernels
