// y[r][o] = sum_k x[r][k] * weight[o][k] + bias[o]
//
// On the CPU every output is one chain of sums, k ascending; tiles and threads
// split rows and outputs, never k. So the same row gives the same bytes in any
// batch, chunk and team, at one instruction level. (An adapter's product,
// s * B(Ax), will be added beside the bias.)
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
#include <string_view>

#include "kernels/dispatch.hpp"
#include "kernels/packed.hpp"
#include "kernels/tensor.hpp"

namespace troupe::kernels {

struct Linear {
  static constexpr std::string_view kName = "linear";
  struct Args {
    TensorRef y;          // [rows, outputs], written; shares nothing with x
    TensorRef x;          // [rows, inputs]
    PackedWeight weight;  // [outputs, inputs]
    TensorRef bias;       // [outputs]; data null: none
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
