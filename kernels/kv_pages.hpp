// One layer's keys and values in pages, and the op that writes them. A page
// holds 16 positions of one sequence; which pages a sequence has is a row of
// its page table. Page numbers are shared by all layers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "kernels/dispatch.hpp"
#include "kernels/tensor.hpp"

namespace troupe::kernels {

inline constexpr std::int64_t kPageTokens = 16;

/// On the CPU, for page p and kv head h:
///   keys   [p][h][head_dim][kPageTokens], a position a lane
///   values [p][h][kPageTokens][head_dim]
/// On CUDA both as the values, f32 or bf16. What lies at positions that were
/// never written is never used.
struct KvPages {
  void* keys = nullptr;  // Aligned to 64 bytes, as values; owned elsewhere.
  void* values = nullptr;
  DType dtype = DType::f32;
  std::int64_t pages = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;

  std::int64_t head_elements() const { return head_dim * kPageTokens; }
  std::int64_t page_elements() const { return kv_heads * head_elements(); }
};

/// Where the rows of a step stand.
struct KvRows {
  TensorRef page_table;  // i32 [sequences, most pages of one]
  TensorRef sequences;   // i32 [rows], each a row of page_table
  /// i32 [rows], each within its sequence's pages. On CUDA a row at -1 is
  /// there only to fill a captured step: nothing is appended, its output is 0.
  TensorRef positions;
};

/// Errors: invalid_argument, with what is supported. The numbers in the
/// tensors are not looked at: who makes them keeps them in range.
Status check_kv(std::string_view op, const Device& device, const KvPages& pages,
                const KvRows& at, std::int64_t rows);

/// Puts the rows' keys and values where the rows stand.
struct KvAppend {
  static constexpr std::string_view kName = "kv_append";
  struct Args {
    KvPages pages;     // written
    KvRows at;         // no two rows at the same place
    TensorRef keys;    // [rows, kv_heads * head_dim]
    TensorRef values;  // [rows, kv_heads * head_dim]
  };

  static Status supports(const Device&, const Args&);
  static std::size_t workspace_bytes(const Device&, const Args&) { return 0; }
  static void reference(const Args&);
  static void cpu(Context&, const Args&);
  static void cuda(Context&, const Args&);
};

inline Status kv_append(Context& ctx, const KvAppend::Args& args) {
  return dispatch<KvAppend>(ctx, args);
}

}  // namespace troupe::kernels
