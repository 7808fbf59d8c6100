// y[r][c] = h[r][c] * w[c] / sqrt(mean_c(h[r][c]^2) + eps), h = x, or
// h = residual + x, which is then written back into residual.
//
// Source: Zhang & Sennrich 2019; order of operations as transformers' Qwen2.
#pragma once

#include <cstddef>
#include <string_view>

#include "kernels/dispatch.hpp"
#include "kernels/tensor.hpp"

namespace troupe::kernels {

struct RmsNorm {
  static constexpr std::string_view kName = "rms_norm";
  struct Args {
    TensorRef y;         // [rows, dim], written; may be x itself
    TensorRef x;         // [rows, dim]
    TensorRef w;         // [dim]
    float eps = 0;       // > 0
    TensorRef residual;  // [rows, dim], read and written; data null: none
  };

  /// Errors: invalid_argument, with what is supported: shapes come from a
  /// user's config.json. Engines ask while they load, before the first run.
  static Status supports(const Device&, const Args&);
  static std::size_t workspace_bytes(const Device&, const Args&) { return 0; }
  /// All REQUIRE: supports().
  static void reference(const Args&);
  static void cpu(Context&, const Args&);
  static void cuda(Context&, const Args&);
};

inline Status rms_norm(Context& ctx, const RmsNorm::Args& args) {
  return dispatch<RmsNorm>(ctx, args);
}

}  // namespace troupe::kernels
