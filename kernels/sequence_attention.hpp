// Attention of whole sequences that lie end to end, without a cache: what
// diffusion transformers do at every step, and text encoders once. A row sees
// all keys of its sequence or, with a causal mask, those up to its own: a
// sequence's last row stands with its last key.
//   s[t] = scale * q[h] . k[t][h / group],  w = softmax(s)
//   y[h] = sum_t w[t] * v[t][h / group],  group = heads / kv_heads
// A row that sees no key gets 0. What lies behind the last sequence is not
// used, and not written.
//
// Source: Vaswani 2017, Ainslie 2023 (GQA). The CPU version accumulates in fp64
// and is the truth. On CUDA the kernel is Hopper's (kernels/hopper): scores and
// sums in fp32, weights rounded to bf16.
#pragma once

#include <cstddef>
#include <string_view>

#include "kernels/dispatch.hpp"
#include "kernels/tensor.hpp"

namespace troupe::kernels {

struct SequenceAttention {
  static constexpr std::string_view kName = "sequence_attention";
  struct Args {
    TensorRef y;  // bf16 [rows, heads * head_dim], written
    TensorRef q;  // bf16 [rows, heads * head_dim]
    TensorRef k;  // bf16 [kv_rows, kv_heads * head_dim]
    TensorRef v;  // bf16 [kv_rows, kv_heads * head_dim]
    /// Sequence s has the rows [q_starts[s], q_starts[s + 1]); keys likewise.
    /// On CUDA lengths are read on the device: a captured step serves all.
    TensorRef q_starts;   // i32 [sequences + 1], from 0, ascending, <= rows
    TensorRef kv_starts;  // i32 [sequences + 1], from 0, ascending, <= kv_rows
    std::int64_t heads = 0;     // a multiple of kv_heads
    std::int64_t kv_heads = 0;  // >= 1
    std::int64_t head_dim = 0;  // 64 or 128
    bool causal = false;
    float scale = 0;  // > 0
  };

  /// Errors: invalid_argument, with what is supported.
  static Status supports(const Device&, const Args&);
  static std::size_t workspace_bytes(const Device&, const Args&) { return 0; }
  /// All REQUIRE: supports().
  static void reference(const Args&);
  static void cpu(Context&, const Args&);
  static void cuda(Context&, const Args&);
};

inline Status sequence_attention(Context& ctx,
                                 const SequenceAttention::Args& args) {
  return dispatch<SequenceAttention>(ctx, args);
}

}  // namespace troupe::kernels
