// How CUDA splits the past of a row that is decoded: at fixed positions, so
// that what a row gives does not depend on its batch; and what other rows need.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/attention.hpp"

namespace troupe::kernels {

inline constexpr std::int64_t kMaxCudaHeads = 65535;  // A grid's y.

struct ChunkedAttention {
  std::int64_t positions = 0;  // Of a chunk; a multiple of a page.
  std::int64_t chunks = 0;     // Of the longest sequence there can be.
  std::size_t bytes = 0;       // Of scratch, for what each chunk found.
};

ChunkedAttention chunked_attention(const Attention::Args& args);

/// Scratch without Args::decode over a bf16 cache: none for the plain kernel,
/// but Hopper's (kernels/hopper/prefill.hpp) may be chosen where there is as
/// much.
std::size_t prefill_scratch_bytes(const Attention::Args& args);

}  // namespace troupe::kernels
