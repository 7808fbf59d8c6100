// A stored tensor on its way to where kernels want it: read in blocks of rows,
// rounded and packed. One reader is one thread's; several fill one weight side
// by side.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/result.hpp"
#include "kernels/context.hpp"
#include "kernels/packed.hpp"
#include "models/weights/weight_folder.hpp"

namespace troupe {

/// Goes to `packed`, or to `plain` where that is not null; or is only compared
/// with what is packed there.
struct WeightPiece {
  LocatedTensor from;
  kernels::PackedWeight packed;
  float* plain = nullptr;
  bool compare = false;

  std::int64_t width() const { return plain != nullptr ? 1 : packed.inputs; }
  std::int64_t rows() const { return from.tensor->elements() / width(); }
  std::uint64_t row_bytes() const {
    return static_cast<std::uint64_t>(width()) *
           element_bytes(from.tensor->type);
  }
};

struct PieceBlock {
  const WeightPiece* piece = nullptr;
  std::int64_t first = 0;
  std::int64_t rows = 0;
  /// Where it is packed on its way to a device, goal_bytes() of the program's
  /// memory, aligned to 64; null: at its goal.
  std::byte* aside = nullptr;

  std::uint64_t bytes() const {
    return static_cast<std::uint64_t>(rows) * piece->row_bytes();
  }
  std::uint64_t offset() const {
    return static_cast<std::uint64_t>(first) * piece->row_bytes();
  }
  std::byte* goal() const;
  std::size_t goal_bytes() const;
};

class PieceReader {
 public:
  /// What `ctx` points to outlives it.
  explicit PieceReader(const Context& ctx) : ctx_{ctx} {}

  /// Of at most `wished` rows, as many as go at once.
  std::int64_t rows_at_once(const WeightPiece& piece,
                            std::int64_t wished) const;

  /// REQUIRES: the rows before were read, or are read by others, in blocks of
  /// rows_at_once(); of a device's memory: it goes aside, or is compared, by
  /// the device's thread then. Errors: corrupt (cut short since; it is compared
  /// and differs; a number is not finite, see broken_number()), unsupported (a
  /// number is beyond the format), io_error, device_lost.
  Status read(const PieceBlock& block);
  /// Gives back what was needed on the way.
  void finish();

 private:
  Status read_f32(const PieceBlock& block);
  Status read_bf16(const PieceBlock& block);
  Error why_not_finite(const PieceBlock& block);

  Context ctx_;
  std::vector<float> rows_;  // Read, not yet put.
  platform::AlignedBytes aside_;
};

/// So much of the files the system is asked for before it is read, so that the
/// disk works while blocks are packed, and between two steps of a load.
inline constexpr std::uint64_t kReadAheadBytes = 32u << 20;

/// Reads the first `count` of the blocks, on a thread for each reader; those
/// after them come next, and are only asked for. Errors: the first block's that
/// failed; then others may not have been read.
/// REQUIRES: !readers.empty(), count <= blocks.size().
Status read_blocks(std::span<PieceReader> readers,
                   std::span<const PieceBlock> blocks, std::size_t count);

}  // namespace troupe
