// Weights of a linear layer in the order in which they are used: panels of 16
// outputs, within a panel input by input, so that a product reads one stream
// and every output has one lane of its own. One layout for all instruction
// levels; an embedding table is stored so too, since a tied head is the same
// memory.
//
//   f32    [inputs][16]
//   bf16   [inputs / 2][16][2]; an odd number of inputs is filled up by a zero
//   int8   blocks of 64 inputs: 2 x 16 scales (fp16), then for each half of
//          the block [8][16][4] codes; a weight is (code - 128) * scale
//   int4   the same with codes of 4 bits, (code - 8) * scale: a byte holds
//          input k in its low and input k + 4 in its high bits
//
// Scales are of 32 inputs of one output: 8.5 and 4.5 bits a weight.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/result.hpp"
#include "kernels/device.hpp"

namespace troupe::kernels {

inline constexpr std::int64_t kPanelOutputs = 16;
inline constexpr std::int64_t kScaleInputs = 32;  // That share a scale.

enum class WeightFormat : std::uint8_t { f32 = 1, bf16, int8, int4 };
inline constexpr WeightFormat kLastWeightFormat = WeightFormat::int4;

std::string_view to_string(WeightFormat format);

/// Panels are as above. In rows, for f32 and bf16 only, an output is a row as
/// files hold it, filled up with zeros to a multiple of 64 bytes: what CUDA's
/// libraries read in place.
enum class WeightLayout : std::uint8_t { panels = 1, rows };

/// How the weights of a format lie on a device.
WeightLayout layout_on(const Device& device, WeightFormat format);

struct PackedWeight {
  void* data = nullptr;  // Aligned to 64 bytes; owned by someone else.
  WeightFormat format = WeightFormat::f32;
  std::int64_t outputs = 0;
  std::int64_t inputs = 0;
  WeightLayout layout = WeightLayout::panels;

  std::int64_t panels() const {
    return (outputs + kPanelOutputs - 1) / kPanelOutputs;
  }
};

/// What `data` must hold, a multiple of 64.
/// REQUIRES: outputs and inputs of [0, kMaxDim].
std::size_t packed_bytes(WeightFormat format, std::int64_t outputs,
                         std::int64_t inputs,
                         WeightLayout layout = WeightLayout::panels);

/// From one row to the next in the layout of rows, in elements.
std::int64_t row_stride(WeightFormat format, std::int64_t inputs);

/// Packs outputs [first, first + rows.size() / inputs), given row by row as
/// the files hold them; the last outputs bring the padding with them. Numbers
/// are rounded to the nearest of the format. Of the integers the scale is the
/// largest magnitude's, for int4 then the one with the least squared error for
/// the codes it gives. A scale for a number that is none is none, too. False,
/// and all is packed: a number is not finite as it was packed, because it was
/// not before or because it is beyond what the format holds.
/// REQUIRES: rows.size() is a multiple of inputs; within the weight.
bool pack_rows(const PackedWeight& weight, std::int64_t first,
               std::span<const float> rows);

/// The answer of pack_rows() of the widened rows, and where that is true its
/// bytes, sooner where whole panels are given. REQUIRES: also, the weight is of
/// bf16.
bool pack_bf16_rows(const PackedWeight& weight, std::int64_t first,
                    std::span<const std::uint16_t> rows);

/// Another one where pack_rows() gives other bytes for the same rows: what was
/// packed before is not used then.
inline constexpr int kPackedVersion = 1;

/// One element, as it is after rounding. REQUIRES: within the weight.
float packed_at(const PackedWeight& weight, std::int64_t output,
                std::int64_t input);

/// Errors: invalid_argument, naming what is known.
Status check_packed(const Device& device, const PackedWeight& weight);

}  // namespace troupe::kernels
