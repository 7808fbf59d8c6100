// How the CUDA version of a linear layer splits its work, for who sizes its
// scratch and for who does it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/linear.hpp"

namespace troupe::kernels {

/// Up to here a product is bound by reading its weights, and kernels of ours
/// take them as they lie; beyond, cuBLASLt takes rows of f32 or bf16.
inline constexpr std::int64_t kSmallRows = 8;

/// What a large product needs, one after the other in the scratch.
struct LargeLinear {
  std::size_t inputs_bytes = 0;   // x in bf16; 0 where the weights are f32.
  std::size_t weight_bytes = 0;   // Codes turned to bf16, a part at a time.
  std::size_t library_bytes = 0;  // cuBLASLt's own.
  std::int64_t part_outputs = 0;  // Of one part, a multiple of a panel.

  std::size_t bytes() const {
    return inputs_bytes + weight_bytes + library_bytes;
  }
};

LargeLinear large_linear(const Linear::Args& args);

}  // namespace troupe::kernels
