// y[r] = table[ids[r]]
#pragma once

#include <cstddef>
#include <string_view>

#include "kernels/dispatch.hpp"
#include "kernels/packed.hpp"
#include "kernels/tensor.hpp"

namespace troupe::kernels {

struct Embedding {
  static constexpr std::string_view kName = "embedding";
  struct Args {
    TensorRef y;  // [rows, dim], written
    /// i32 [rows], each of [0, outputs of the table); on CUDA a negative one
    /// gives zeros: a row that only fills a captured step.
    TensorRef ids;
    PackedWeight table;  // [tokens, dim]
  };

  /// Errors: invalid_argument, with what is supported. Ids are not looked at:
  /// who makes them checks them.
  static Status supports(const Device&, const Args&);
  static std::size_t workspace_bytes(const Device&, const Args&) { return 0; }
  /// All REQUIRE: supports().
  static void reference(const Args&);
  static void cpu(Context&, const Args&);
  static void cuda(Context&, const Args&);
};

inline Status embedding(Context& ctx, const Embedding::Args& args) {
  return dispatch<Embedding>(ctx, args);
}

}  // namespace troupe::kernels
