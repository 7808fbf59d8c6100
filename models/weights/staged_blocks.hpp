// Weights on their way to a device's memory: several readers fill one staging
// buffer while the device copies from the other. What a block holds is the
// readers' business.
#pragma once

#include <cstdint>
#include <span>

#include "core/result.hpp"
#include "kernels/device_memory.hpp"
#include "models/weights/packed_file.hpp"
#include "models/weights/weight_piece.hpp"

namespace troupe {

/// As read_blocks(), into the device's memory, where what was read is once the
/// device was waited for. REQUIRES: also, none of the first `count` is
/// compared. Errors: also out_of_memory, device_lost.
Status send_blocks(DeviceMemory& memory, std::span<PieceReader> readers,
                   std::span<PieceBlock> blocks, std::size_t count);

/// Blocks [first, first + count) of the file to where block 0 lies at `to`.
Status send_packed(DeviceMemory& memory, const PackedFile& file,
                   std::uint64_t first, std::uint64_t count, std::byte* to,
                   std::size_t readers);

}  // namespace troupe
