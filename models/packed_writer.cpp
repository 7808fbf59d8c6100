#include "models/packed_writer.hpp"

#include <algorithm>

#include "kernels/device_memory.hpp"

namespace troupe {

using kernels::kPanelOutputs;
using kernels::PackedWeight;

namespace {

std::size_t bytes_of(const PackedWeight& weight) {
  return kernels::packed_bytes(weight.format, weight.outputs, weight.inputs,
                               weight.layout);
}

// Outputs from `first` on, a panel's first, as a weight of their own.
PackedWeight part_of(const PackedWeight& weight, std::int64_t first,
                     std::span<const float> rows) {
  auto part = weight;
  part.outputs = first;
  part.data = static_cast<std::byte*>(weight.data) + bytes_of(part);
  part.outputs = std::ssize(rows) / weight.inputs;
  return part;
}

PackedWeight packed_into(std::vector<std::byte>& memory, PackedWeight part,
                         std::span<const float> rows) {
  memory.resize(bytes_of(part));
  part.data = memory.data();
  kernels::pack_rows(part, 0, rows);
  return part;
}

}  // namespace

std::int64_t PackedWriter::rows_at_once(std::int64_t wanted) const {
  if (ctx_.memory == nullptr) return std::max<std::int64_t>(wanted, 1);
  return std::max<std::int64_t>(wanted / kPanelOutputs, 1) * kPanelOutputs;
}

Status PackedWriter::put(const PackedWeight& to, std::int64_t first,
                         std::span<const float> rows) {
  if (ctx_.memory == nullptr) {
    kernels::pack_rows(to, first, rows);
    return ok();
  }
  const auto part = part_of(to, first, rows);
  packed_into(aside_, part, rows);
  return ctx_.memory->copy_in(part.data, aside_.data(), aside_.size());
}

Status PackedWriter::put(float* to, std::span<const float> values) {
  return kernels::copy_in(ctx_, to, values.data(), values.size_bytes());
}

Result<bool> PackedWriter::holds(const PackedWeight& packed, std::int64_t first,
                                 std::span<const float> rows) {
  auto there = part_of(packed, first / kPanelOutputs * kPanelOutputs, {});
  const auto skipped = first % kPanelOutputs;
  there.outputs = skipped + std::ssize(rows) / packed.inputs;
  if (ctx_.memory != nullptr) {
    aside_.resize(bytes_of(there));
    if (auto good =
            ctx_.memory->copy_out(aside_.data(), there.data, aside_.size());
        !good)
      return good.error();
    if (auto good = ctx_.memory->wait(); !good) return good.error();
    there.data = aside_.data();
  }
  std::vector<std::byte> memory;
  const auto again = packed_into(memory, part_of(packed, 0, rows), rows);
  for (std::int64_t row = 0; row < again.outputs; ++row)
    for (std::int64_t k = 0; k < packed.inputs; ++k)
      if (kernels::packed_at(again, row, k) !=
          kernels::packed_at(there, skipped + row, k))
        return false;
  return true;
}

Status PackedWriter::finish() {
  aside_ = {};
  return kernels::wait(ctx_);
}

}  // namespace troupe
