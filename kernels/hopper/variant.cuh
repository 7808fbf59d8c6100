// What attention of whole sequences is made of: the shapes of its variants, its
// shared memory, its arguments.
#pragma once

#include <cuda_bf16.h>

#include "kernels/hopper/layout.hpp"
#include "kernels/hopper/ptx.cuh"
#include "kernels/hopper/tiles.hpp"
#include "kernels/hopper/wgmma.cuh"

namespace troupe::kernels::hopper {

/// What a variant is made of. The shapes are those of the source.
template <int kDim_, int kGroups_, int kKeys_, int kStages_, bool kCausal_,
          bool kPaged_ = false>
struct Variant {
  static constexpr int kDim = kDim_;
  static constexpr int kGroups = kGroups_;  // Of 64 rows, beside the copier's.
  static constexpr int kKeys = kKeys_;      // Of a tile.
  static constexpr int kStages = kStages_;
  static constexpr bool kCausal = kCausal_;
  static constexpr bool kPaged = kPaged_;  // Keys in pages, results in fp32.
  static constexpr int kRows = kGroups * kGroupRows;
  static constexpr int kThreads = (kGroups + 1) * kGroupThreads;
  // Of the 64 Ki of an SM: what the copiers give is what the others take.
  static constexpr int kCopierRegisters = kGroups == 2 ? 40 : 32;
  static constexpr int kRegisters = kGroups == 2 ? 232 : 160;
  static_assert((kRegisters * kGroups + kCopierRegisters) * kGroupThreads <=
                64 * 1024);
};

/// Begins at a multiple of kAtomBytes.
template <class V>
struct Shared {
  std::uint16_t queries[V::kRows * V::kDim];
  std::uint16_t keys[V::kStages][V::kKeys * V::kDim];
  std::uint16_t values[V::kStages][V::kKeys * V::kDim];
  Barrier queries_full, queries_empty;
  Barrier keys_full[V::kStages], keys_empty[V::kStages];
  Barrier values_full[V::kStages], values_empty[V::kStages];
};

/// What a launch gives: where the first byte of it lies is not known.
template <class V>
inline constexpr std::size_t kSharedBytes = sizeof(Shared<V>) + kAtomBytes;
inline constexpr std::size_t kMostSharedBytes = 227 * 1024;

struct AttendSequences {
  TensorMap queries;  // [rows, heads, dim], boxes [kRows, 1, kColumn]
  /// [rows, kv_heads, dim], boxes [kKeys, 1, kColumn]; paged: [pages *
  /// kv_heads, kPageRows, dim], boxes [1, kPageRows, kColumn].
  TensorMap keys;
  TensorMap values;  // as keys
  void* y;           // [rows, heads, dim], bf16; paged: fp32
  Sequences all;
  float scale;                               // times log2 e
  const std::int32_t* page_table = nullptr;  // [sequences, most_pages]
  int most_pages = 0;
};

inline constexpr int kPageRows = 16;  // Positions of a page.

// Barriers among warps; 0 is __syncthreads'.
constexpr int turn_of(int group) {
  return 1 + group;
}
constexpr int own_of(int group) {
  return 4 + group;
}

}  // namespace troupe::kernels::hopper
