#include "models/weights/weight_piece.hpp"

#include <algorithm>
#include <cstring>

#include "models/packed_rows.hpp"
#include "models/weights/side_by_side.hpp"

namespace troupe {
namespace {

// Read at once: as much as a disk needs to be at its full rate.
constexpr std::int64_t kReadElements = 1 << 20;

using kernels::PackedWeight;
using kernels::WeightFormat;

struct Target {
  PackedWeight weight;
  std::int64_t first;
};

Target target_of(const PieceBlock& block) {
  if (block.aside == nullptr) return {block.piece->packed, block.first};
  auto part = packed_part(block.piece->packed, block.first, block.rows);
  part.data = block.aside;
  return {part, 0};
}

}  // namespace

std::byte* PieceBlock::goal() const {
  if (piece->plain != nullptr)
    return reinterpret_cast<std::byte*>(piece->plain + first);
  return static_cast<std::byte*>(packed_part(piece->packed, first, rows).data);
}

std::size_t PieceBlock::goal_bytes() const {
  if (piece->plain != nullptr)
    return static_cast<std::size_t>(rows) * sizeof(float);
  return packed_size(packed_part(piece->packed, first, rows));
}

std::int64_t PieceReader::rows_at_once(const WeightPiece& piece,
                                       std::int64_t wished) const {
  const auto rows = packed_rows_at_once(
      ctx_, std::min(wished, kReadElements / piece.width()));
  const auto panels = rows / kernels::kPanelOutputs * kernels::kPanelOutputs;
  // Whole panels are packed faster.
  return piece.plain == nullptr && panels > 0 ? panels : rows;
}

// As read_f32() and put() would, without going through fp32.
Status PieceReader::read_bf16(const PieceBlock& block) {
  const auto* piece = block.piece;
  const auto bytes =
      piece->from.file->view(*piece->from.tensor, block.offset(),
                             static_cast<std::size_t>(block.bytes()), aside_);
  if (!bytes) return bytes.error();
  const auto to = target_of(block);
  kernels::pack_bf16_rows(
      to.weight, to.first,
      {reinterpret_cast<const std::uint16_t*>(bytes->data()),
       static_cast<std::size_t>(block.rows * piece->width())});
  return ok();
}

Status PieceReader::read(const PieceBlock& block) {
  const auto* piece = block.piece;
  const auto& tensor = *piece->from.tensor;
  TROUPE_ASSERT(ctx_.memory == nullptr || block.aside != nullptr ||
                piece->compare);
  if (piece->plain == nullptr && !piece->compare &&
      tensor.type == StoredType::bf16 &&
      piece->packed.format == WeightFormat::bf16)
    return read_bf16(block);
  rows_.resize(static_cast<std::size_t>(block.rows * piece->width()));
  if (auto good = piece->from.file->read_f32(
          tensor, block.first * piece->width(), rows_, aside_);
      !good)
    return good;
  if (piece->plain != nullptr) {
    std::memcpy(block.aside != nullptr ? block.aside : block.goal(),
                rows_.data(), block.goal_bytes());
    return ok();
  }
  if (!piece->compare) {
    const auto to = target_of(block);
    kernels::pack_rows(to.weight, to.first, rows_);
    return ok();
  }
  const auto same = packed_holds(ctx_, piece->packed, block.first, rows_);
  if (!same) return same.error();
  if (*same) return ok();
  return Error{Errc::corrupt,
               piece->from.file->path().string() + ": tensor " + tensor.name +
                   " differs from the embedding, though config.json says "
                   "tie_word_embeddings; set it to false"};
}

void PieceReader::finish() {
  rows_ = {};
  aside_ = {};
}

Status read_blocks(std::span<PieceReader> readers,
                   std::span<const PieceBlock> blocks, std::size_t count) {
  TROUPE_ASSERT(count <= blocks.size());
  // How far the files' bytes were asked for when block i is read.
  std::vector<std::uint64_t> ends(blocks.size() + 1);
  for (std::size_t i = 0; i < blocks.size(); ++i)
    ends[i + 1] = ends[i] + blocks[i].bytes();
  const auto asked_before = [&](std::size_t i) {
    return static_cast<std::size_t>(
        std::ranges::upper_bound(ends, ends[i] + kReadAheadBytes) -
        ends.begin() - 1);
  };
  const auto ask = [&](std::size_t from, std::size_t to) {
    for (auto i = from; i < to; ++i)
      blocks[i].piece->from.file->read_ahead(
          *blocks[i].piece->from.tensor, blocks[i].offset(), blocks[i].bytes());
  };
  ask(0, asked_before(0));
  return read_side_by_side(readers.size(), count,
                           [&](std::size_t reader, std::size_t i) {
                             ask(asked_before(i), asked_before(i + 1));
                             return readers[reader].read(blocks[i]);
                           });
}

}  // namespace troupe
