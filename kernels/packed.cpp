#include "kernels/packed.hpp"

#include <string>

#include "kernels/checks.hpp"
#include "kernels/cpu/level.hpp"

namespace troupe::kernels {
namespace {

static_assert(kPanelOutputs == kLanes);

std::int64_t index_of(const PackedWeight& weight, std::int64_t output,
                      std::int64_t input) {
  return (output / kPanelOutputs * weight.inputs + input) * kPanelOutputs +
         output % kPanelOutputs;
}

}  // namespace

std::size_t packed_bytes(DType dtype, std::int64_t outputs,
                         std::int64_t inputs) {
  TROUPE_ASSERT(dtype == DType::f32 && outputs >= 0 && inputs >= 0 &&
                outputs <= kMaxDim && inputs <= kMaxDim);
  const PackedWeight weight{.outputs = outputs, .inputs = inputs};
  return static_cast<std::size_t>(weight.panels() * kPanelOutputs * inputs) *
         dtype_bytes(dtype);
}

void pack_rows(const PackedWeight& weight, std::int64_t first,
               std::span<const float> rows) {
  const auto count =
      weight.inputs == 0
          ? 0
          : static_cast<std::int64_t>(rows.size()) / weight.inputs;
  TROUPE_ASSERT(count * weight.inputs ==
                    static_cast<std::int64_t>(rows.size()) &&
                first >= 0 && first + count <= weight.outputs);
  auto* data = static_cast<float*>(weight.data);
  for (std::int64_t row = 0; row < count; ++row) {
    float* to = data + index_of(weight, first + row, 0);
    const float* from = rows.data() + row * weight.inputs;
    for (std::int64_t k = 0; k < weight.inputs; ++k)
      to[k * kPanelOutputs] = from[k];
  }
  if (first + count != weight.outputs) return;
  for (auto pad = weight.outputs; pad % kPanelOutputs != 0; ++pad)
    for (std::int64_t k = 0; k < weight.inputs; ++k)
      data[index_of(weight, pad, k)] = 0.f;
}

float packed_at(const PackedWeight& weight, std::int64_t output,
                std::int64_t input) {
  return static_cast<const float*>(
      weight.data)[index_of(weight, output, input)];
}

Status check_packed(const PackedWeight& weight) {
  if (weight.dtype == DType::f32 && weight.outputs >= 1 &&
      weight.outputs <= kMaxDim && weight.inputs >= 1 &&
      weight.inputs <= kMaxDim)
    return ok();
  return Error{Errc::invalid_argument,
               "a packed weight of " + std::string(to_string(weight.dtype)) +
                   " [" + std::to_string(weight.outputs) + ", " +
                   std::to_string(weight.inputs) +
                   "] is not supported; known: f32 [1 to 1048576, 1 to "
                   "1048576]"};
}

}  // namespace troupe::kernels
