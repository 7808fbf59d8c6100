// Weights of a linear layer in the order in which they are used: panels of 16
// outputs, within a panel input by input, so that a product reads one stream
// and every output has one lane of its own. The padding outputs of the last
// panel are zero. One layout for all instruction levels; an embedding table is
// stored so too, since a tied head is the same memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/result.hpp"
#include "kernels/tensor.hpp"

namespace troupe::kernels {

inline constexpr std::int64_t kPanelOutputs = 16;

/// Element [output][input] is at (output / 16) * inputs * 16 + input * 16 +
/// output % 16. Known today: f32; bf16 and the group-wise integers will be
/// further values of `dtype`, with sizes of their own.
struct PackedWeight {
  void* data = nullptr;  // Aligned to 64 bytes; owned by someone else.
  DType dtype = DType::f32;
  std::int64_t outputs = 0;
  std::int64_t inputs = 0;

  std::int64_t panels() const {
    return (outputs + kPanelOutputs - 1) / kPanelOutputs;
  }
};

/// What `data` must hold, a multiple of 64.
/// REQUIRES: outputs and inputs of [0, kMaxDim], dtype f32.
std::size_t packed_bytes(DType dtype, std::int64_t outputs,
                         std::int64_t inputs);

/// Packs outputs [first, first + rows.size() / inputs), given row by row as
/// the files hold them; the last outputs bring the padding with them.
/// REQUIRES: rows.size() is a multiple of inputs; within the weight.
void pack_rows(const PackedWeight& weight, std::int64_t first,
               std::span<const float> rows);

/// One element. REQUIRES: within the weight.
float packed_at(const PackedWeight& weight, std::int64_t output,
                std::int64_t input);

/// Errors: invalid_argument, naming what is known.
Status check_packed(const PackedWeight& weight);

}  // namespace troupe::kernels
