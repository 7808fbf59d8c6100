#include "models/weights/staged_blocks.hpp"

#include <algorithm>

#include "models/arena.hpp"
#include "models/weights/side_by_side.hpp"

namespace troupe {
namespace {

std::size_t place_for(const PieceBlock& block) {
  return (block.goal_bytes() + kArenaAlignment - 1) / kArenaAlignment *
         kArenaAlignment;
}

// As many of them as the buffer holds get a place there.
std::size_t seat(std::span<PieceBlock> blocks, std::span<std::byte> buffer) {
  std::size_t used = 0, seated = 0;
  for (auto& block : blocks) {
    const auto bytes = place_for(block);
    if (bytes > buffer.size() - used) break;
    block.aside = buffer.data() + used;
    used += bytes;
    ++seated;
  }
  TROUPE_ASSERT(seated > 0);  // No panel of kMaxDim inputs is larger.
  return seated;
}

// What follows one another there and here goes as one copy.
Status send(Staging& staging, std::span<const PieceBlock> blocks) {
  for (std::size_t i = 0; i < blocks.size();) {
    auto* const to = blocks[i].goal();
    const auto* const from = blocks[i].aside;
    std::size_t bytes = 0;
    for (; i < blocks.size() && blocks[i].goal() == to + bytes &&
           blocks[i].aside == from + bytes;
         ++i)
      bytes += blocks[i].goal_bytes();
    if (auto good = staging.send(to, {from, bytes}); !good) return good;
  }
  return ok();
}

}  // namespace

Status send_blocks(DeviceMemory& memory, std::span<PieceReader> readers,
                   std::span<PieceBlock> blocks, std::size_t count) {
  const auto staging = memory.staging();
  if (!staging) return staging.error();
  while (count > 0) {
    const auto buffer = (*staging)->next();
    if (!buffer) return buffer.error();
    const auto seated = seat(blocks.first(count), *buffer);
    if (auto good = read_blocks(readers, blocks, seated); !good) return good;
    if (auto good = send(**staging, blocks.first(seated)); !good) return good;
    blocks = blocks.subspan(seated);
    count -= seated;
  }
  return ok();
}

Status send_packed(DeviceMemory& memory, const PackedFile& file,
                   std::uint64_t first, std::uint64_t count, std::byte* to,
                   std::size_t readers) {
  static_assert(kStagingBytes % kPackedBlockBytes == 0);
  const auto staging = memory.staging();
  if (!staging) return staging.error();
  for (const auto end = first + count; first < end;) {
    const auto buffer = (*staging)->next();
    if (!buffer) return buffer.error();
    const auto taken =
        std::min<std::uint64_t>(end - first, kStagingBytes / kPackedBlockBytes);
    std::uint64_t bytes = 0;
    for (std::uint64_t i = 0; i < taken; ++i)
      bytes += file.block_bytes(first + i);
    if (const auto next = first + taken; next < file.blocks())
      file.read_ahead(next, std::min(taken, file.blocks() - next));
    if (auto good = read_side_by_side(
            readers, taken,
            [&](std::size_t, std::size_t i) {
              return file.read(first + i,
                               buffer->subspan(i * kPackedBlockBytes,
                                               file.block_bytes(first + i)));
            });
        !good)
      return good;
    if (auto good = (*staging)->send(to + first * kPackedBlockBytes,
                                     buffer->first(bytes));
        !good)
      return good;
    first += taken;
  }
  return ok();
}

}  // namespace troupe
