// y[i] = gate[i] / (1 + exp(-gate[i])) * up[i]
//
// Source: Shazeer 2020, as transformers' Qwen2: down(silu(gate) * up).
#pragma once

#include <cstddef>
#include <string_view>

#include "kernels/dispatch.hpp"
#include "kernels/tensor.hpp"

namespace troupe::kernels {

struct SwiGlu {
  static constexpr std::string_view kName = "swiglu";
  struct Args {
    TensorRef y;     // [rows, dim], written; may be gate or up itself
    TensorRef gate;  // [rows, dim]
    TensorRef up;    // [rows, dim]
  };

  /// Errors: invalid_argument, with what is supported.
  static Status supports(const Device&, const Args&);
  static std::size_t workspace_bytes(const Device&, const Args&) { return 0; }
  /// All REQUIRE: supports().
  static void reference(const Args&);
  static void cpu(Context&, const Args&);
  static void cuda(Context&, const Args&);
};

inline Status swiglu(Context& ctx, const SwiGlu::Args& args) {
  return dispatch<SwiGlu>(ctx, args);
}

}  // namespace troupe::kernels
