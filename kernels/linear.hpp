// y[r][o] = sum_k x[r][k] * weight[o][k] + bias[o]
//           + sum over the adapters of scale * sum_i b[o][i] * (a x[r])[i]
//
// On the CPU every output is one chain of sums, k ascending; tiles and threads
// split rows and outputs, never k. So the same row gives the same bytes in any
// batch, chunk and team, at one instruction level. An adapter's product is two
// such chains, times its scale, and added last, in the order of the adapters.
//
// With weights of int8 and int4 x is rounded, too: groups of 32 inputs to
// whole numbers of [-127, 127] times the group's largest magnitude / 127. With
// bf16 it is rounded to bf16 at the level avx512_bf16 only.
//
// On CUDA up to 8 rows take x in fp32 and are the same bytes in any batch; more
// go through cuBLASLt, with x, and weights that are codes, rounded to bf16
// unless the weights are f32. Which bytes a row gets then depends on its batch.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "kernels/dispatch.hpp"
#include "kernels/packed.hpp"
#include "kernels/tensor.hpp"

namespace troupe::kernels {

/// A change of low rank beside a stored weight, which stays as it is: many jobs
/// share one, each with adapters of its own. Takes x in fp32 whatever the
/// weight's format. Source: Hu 2021 (LoRA), whose alpha / rank is the scale.
struct Adapter {
  PackedWeight a;  // f32 [rank, inputs]
  PackedWeight b;  // f32 [outputs, rank]
  float scale = 0;
};

inline constexpr std::size_t kMaxAdapters = 16;         // Of one layer.
inline constexpr std::int64_t kMaxAdapterRank = 1'024;  // LoRA's are 4 to 256.

struct Linear {
  static constexpr std::string_view kName = "linear";
  struct Args {
    TensorRef y;          // [rows, outputs], written; shares nothing with x
    TensorRef x;          // [rows, inputs]
    PackedWeight weight;  // [outputs, inputs]
    TensorRef bias;       // [outputs]; data null: none
    std::span<const Adapter> adapters{};
  };

  /// Errors: invalid_argument, with what is supported.
  static Status supports(const Device&, const Args&);
  static std::size_t workspace_bytes(const Device&, const Args&);
  /// All REQUIRE: supports().
  static void reference(const Args&);
  static void cpu(Context&, const Args&);
  static void cuda(Context&, const Args&);
};

inline Status linear(Context& ctx, const Linear::Args& args) {
  return dispatch<Linear>(ctx, args);
}

}  // namespace troupe::kernels
