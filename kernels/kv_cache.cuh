// The paged cache as a CUDA device sees it (kv_pages.hpp): for page p and kv
// head h, keys and values [p][h][kPageTokens][head_dim], f32 or bf16.
#pragma once

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/kv_pages.hpp"

namespace troupe::kernels {

inline constexpr int kPage = static_cast<int>(kPageTokens);

template <class T>
__device__ T from_float(float value);
template <>
__device__ inline float from_float<float>(float value) {
  return value;
}
template <>
__device__ inline __nv_bfloat16 from_float<__nv_bfloat16>(float value) {
  return __float2bfloat16(value);
}

template <class T>
struct KvView {
  T* keys;
  T* values;
  int kv_heads;
  int head_dim;
  const std::int32_t* page_table;
  int most_pages;  // Of one sequence: from one row of page_table to the next.
  const std::int32_t* sequences;
  const std::int32_t* positions;

  __device__ std::int64_t page_of(std::int64_t row, int index) const {
    return page_table[std::int64_t{sequences[row]} * most_pages + index];
  }
  /// Where a position's head_dim elements begin.
  __device__ std::int64_t at(std::int64_t page, int kv_head, int slot) const {
    return ((page * kv_heads + kv_head) * kPage + slot) * head_dim;
  }
};

template <class T>
KvView<T> kv_view(const KvPages& pages, const KvRows& at) {
  return {.keys = static_cast<T*>(pages.keys),
          .values = static_cast<T*>(pages.values),
          .kv_heads = static_cast<int>(pages.kv_heads),
          .head_dim = static_cast<int>(pages.head_dim),
          .page_table = data_of<const std::int32_t>(at.page_table),
          .most_pages = static_cast<int>(at.page_table.shape[1]),
          .sequences = data_of<const std::int32_t>(at.sequences),
          .positions = data_of<const std::int32_t>(at.positions)};
}

}  // namespace troupe::kernels
