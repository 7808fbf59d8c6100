// Rotary position embedding, half-split: pair i of a head is its elements i and
// i + head_dim / 2. For half = head_dim / 2 and i of [0, half):
//   angle[r][i] = position[r] * theta^(-2i / head_dim)
//   y[i]        = x[i] * cos - x[i + half] * sin
//   y[i + half] = x[i + half] * cos + x[i] * sin
//
// Source: Su et al. 2021, as transformers' Qwen2: frequencies and angles are
// rounded to fp32, which at long contexts is part of the model.
#pragma once

#include <cstddef>
#include <string_view>

#include "kernels/dispatch.hpp"
#include "kernels/tensor.hpp"

namespace troupe::kernels {

/// Sines and cosines of a step's rows, once for all its layers.
struct RopeTable {
  static constexpr std::string_view kName = "rope_table";
  struct Args {
    TensorRef cos;        // [rows, half], written
    TensorRef sin;        // [rows, half], written
    TensorRef positions;  // i32 [rows]
    float theta = 0;      // > 1
  };

  /// Errors: invalid_argument, with what is supported.
  static Status supports(const Device&, const Args&);
  static std::size_t workspace_bytes(const Device&, const Args&) { return 0; }
  /// All REQUIRE: supports(). On the CPU the reference is what runs.
  static void reference(const Args&);
  static void cpu(Context&, const Args&);
  static void cuda(Context&, const Args&);
};

/// Turns every head of every row.
struct Rope {
  static constexpr std::string_view kName = "rope";
  struct Args {
    TensorRef y;    // [rows, heads * head_dim], written; may be x itself
    TensorRef x;    // [rows, heads * head_dim]
    TensorRef cos;  // [rows, half]
    TensorRef sin;  // [rows, half]
  };

  static Status supports(const Device&, const Args&);
  static std::size_t workspace_bytes(const Device&, const Args&) { return 0; }
  static void reference(const Args&);
  static void cpu(Context&, const Args&);
  static void cuda(Context&, const Args&);
};

inline Status rope_table(Context& ctx, const RopeTable::Args& args) {
  return dispatch<RopeTable>(ctx, args);
}
inline Status rope(Context& ctx, const Rope::Args& args) {
  return dispatch<Rope>(ctx, args);
}

}  // namespace troupe::kernels
