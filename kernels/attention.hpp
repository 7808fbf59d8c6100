// Causal attention of a step's rows over the paged cache, prefill and decode
// alike: a row at position p sees the positions [0, p] of its sequence, its own
// included, so the step's keys and values are appended before.
//   s[t] = scale * q[h] . key[t][h / group],  w = softmax(s)
//   y[h] = sum_t w[t] * value[t][h / group],  group = heads / kv_heads
//
// Source: Vaswani 2017, Ainslie 2023 (GQA), Milakov 2018 (running maximum). On
// the CPU tiles stand at multiples of 16 of the absolute position and are taken
// in order, so a row gives the same bytes in any batch, chunk and team, at one
// instruction level.
#pragma once

#include <cstddef>
#include <string_view>

#include "kernels/dispatch.hpp"
#include "kernels/kv_pages.hpp"
#include "kernels/tensor.hpp"

namespace troupe::kernels {

struct Attention {
  static constexpr std::string_view kName = "attention";
  struct Args {
    TensorRef y;  // [rows, heads * head_dim], written; shares nothing with q
    TensorRef q;  // [rows, heads * head_dim]
    KvPages pages;
    KvRows at;
    std::int64_t heads = 0;  // a multiple of kv_heads
    float scale = 0;         // > 0
    /// How, not what: every row is split over many blocks of a CUDA device, as
    /// few rows with long pasts want it. Else rows of a sequence that follow
    /// one another share what they read.
    bool decode = false;
  };

  /// Errors: invalid_argument, with what is supported.
  static Status supports(const Device&, const Args&);
  static std::size_t workspace_bytes(const Device&, const Args&);
  /// All REQUIRE: supports().
  static void reference(const Args&);
  static void cpu(Context&, const Args&);
  static void cuda(Context&, const Args&);
};

inline Status attention(Context& ctx, const Attention::Args& args) {
  return dispatch<Attention>(ctx, args);
}

}  // namespace troupe::kernels
