// Rows of a packed weight as a weight of their own: packed beside the place
// they go to, or held to what lies there. Allocates no place for them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/result.hpp"
#include "kernels/context.hpp"
#include "kernels/packed.hpp"

namespace troupe {

/// Rows to pack at once where `wanted` are wished for, at least one. What goes
/// to a device's own memory ends where a panel does, or where the weight does.
std::int64_t packed_rows_at_once(const Context& ctx, std::int64_t wanted);

/// Outputs [first, first + rows) and what fills up their last panel.
/// REQUIRES: `first` is a panel's first; within the weight.
kernels::PackedWeight packed_part(const kernels::PackedWeight& weight,
                                  std::int64_t first, std::int64_t rows);
std::size_t packed_size(const kernels::PackedWeight& weight);

/// Whether these rows, packed, are what lies there from `first` on. Waits for
/// the device. Errors: device_lost.
Result<bool> packed_holds(const Context& ctx,
                          const kernels::PackedWeight& weight,
                          std::int64_t first, std::span<const float> rows);

}  // namespace troupe
