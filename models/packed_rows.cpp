#include "models/packed_rows.hpp"

#include <algorithm>
#include <vector>

#include "kernels/device_memory.hpp"

namespace troupe {

using kernels::kPanelOutputs;
using kernels::PackedWeight;

std::int64_t packed_rows_at_once(const Context& ctx, std::int64_t wanted) {
  if (ctx.memory == nullptr) return std::max<std::int64_t>(wanted, 1);
  return std::max<std::int64_t>(wanted / kPanelOutputs, 1) * kPanelOutputs;
}

std::size_t packed_size(const PackedWeight& weight) {
  return kernels::packed_bytes(weight.format, weight.outputs, weight.inputs,
                               weight.layout);
}

PackedWeight packed_part(const PackedWeight& weight, std::int64_t first,
                         std::int64_t rows) {
  auto part = weight;
  part.outputs = first;
  part.data = static_cast<std::byte*>(weight.data) + packed_size(part);
  part.outputs = rows;
  return part;
}

Result<bool> packed_holds(const Context& ctx, const PackedWeight& weight,
                          std::int64_t first, std::span<const float> rows) {
  const auto skipped = first % kPanelOutputs;
  const auto count = std::ssize(rows) / weight.inputs;
  auto there = packed_part(weight, first - skipped, skipped + count);
  std::vector<std::byte> brought;
  if (ctx.memory != nullptr) {
    brought.resize(packed_size(there));
    if (auto good =
            ctx.memory->copy_out(brought.data(), there.data, brought.size());
        !good)
      return good.error();
    if (auto good = ctx.memory->wait(); !good) return good.error();
    there.data = brought.data();
  }
  auto again = packed_part(weight, 0, count);
  std::vector<std::byte> packed(packed_size(again));
  again.data = packed.data();
  kernels::pack_rows(again, 0, rows);
  for (std::int64_t row = 0; row < count; ++row)
    for (std::int64_t k = 0; k < weight.inputs; ++k)
      if (kernels::packed_at(again, row, k) !=
          kernels::packed_at(there, skipped + row, k))
        return false;
  return true;
}

}  // namespace troupe
