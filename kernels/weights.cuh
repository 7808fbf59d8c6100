// Weights as they lie on a CUDA device (packed.hpp): rows of f32 and bf16,
// panels of codes.
#pragma once

#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>
#include <cstring>

#include "kernels/packed.hpp"
#include "kernels/vector.cuh"

namespace troupe::kernels {

inline constexpr int kPanel = static_cast<int>(kPanelOutputs);
inline constexpr int kBlockInputs = 2 * static_cast<int>(kScaleInputs);
inline constexpr int kScaleBytes = 2 * kPanel * 2;  // Of a block: 2 x 16 fp16.

template <int kBits>
inline constexpr int kHalfBytes = static_cast<int>(kScaleInputs) * kPanel* kBits
                                  / 8;
template <int kBits>
inline constexpr int kBlockBytes = kScaleBytes + 2 * kHalfBytes<kBits>;

/// The weight of code `index` of a word, before its scale. Exact: a small
/// integer as the last bits of 2^23, less 2^23.
template <int kBits>
__device__ float decode(std::uint32_t word, int index) {
  constexpr float kZero = 8388608.f + (kBits == 8 ? 128.f : 8.f);
  const int at = kBits == 8 ? index * 8 : index % 4 * 8 + index / 4 * 4;
  constexpr std::uint32_t kMask = (1u << kBits) - 1;
  return __uint_as_float(0x4b000000u | (word >> at & kMask)) - kZero;
}

/// Two fp16 of one word.
__device__ inline void half_pair_to_float(float& low, float& high,
                                          std::uint32_t word) {
  __half pair[2];
  memcpy(pair, &word, sizeof(pair));
  low = __half2float(pair[0]);
  high = __half2float(pair[1]);
}

/// The codes of one word, 4 of 8 bits or 8 of 4, are of one output and follow
/// one another; words of a half go output by output.
template <int kBits>
__device__ float code_at(const unsigned char* panels, std::int64_t output,
                         int input, int inputs) {
  constexpr int kCodes = 32 / kBits;
  const auto blocks = (inputs + kBlockInputs - 1) / kBlockInputs;
  const int lane = static_cast<int>(output % kPanel);
  const int half = input / static_cast<int>(kScaleInputs) % 2;
  const int in_half = input % static_cast<int>(kScaleInputs);
  const auto* block =
      panels + (output / kPanel * blocks + input / kBlockInputs) *
                   std::int64_t{kBlockBytes<kBits>};
  const auto* words = reinterpret_cast<const std::uint32_t*>(
      block + kScaleBytes + half * kHalfBytes<kBits>);
  const auto scale =
      reinterpret_cast<const __half*>(block)[half * kPanel + lane];
  return decode<kBits>(words[in_half / kCodes * kPanel + lane],
                       in_half % kCodes) *
         __half2float(scale);
}

}  // namespace troupe::kernels
