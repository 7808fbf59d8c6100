#include "models/weights/weight_piece.hpp"

#include <algorithm>

#include "models/weights/side_by_side.hpp"

namespace troupe {
namespace {

// Read at once: as much as a disk needs to be at its full rate.
constexpr std::int64_t kReadElements = 1 << 20;

using kernels::WeightFormat;

}  // namespace

std::int64_t PieceReader::rows_at_once(const WeightPiece& piece,
                                       std::int64_t wished) const {
  const auto rows =
      writer_.rows_at_once(std::min(wished, kReadElements / piece.width()));
  const auto panels = rows / kernels::kPanelOutputs * kernels::kPanelOutputs;
  // Whole panels are packed faster.
  return piece.plain == nullptr && panels > 0 ? panels : rows;
}

// As read_f32() and put() would, without going through fp32.
Status PieceReader::read_bf16(const PieceBlock& block) {
  const auto& [piece, first, rows] = block;
  const auto bytes =
      piece->from.file->view(*piece->from.tensor, block.offset(),
                             static_cast<std::size_t>(block.bytes()), aside_);
  if (!bytes) return bytes.error();
  kernels::pack_bf16_rows(
      piece->packed, first,
      {reinterpret_cast<const std::uint16_t*>(bytes->data()),
       static_cast<std::size_t>(rows * piece->width())});
  return ok();
}

Status PieceReader::read(const PieceBlock& block) {
  const auto& [piece, first, rows] = block;
  const auto& tensor = *piece->from.tensor;
  if (piece->plain == nullptr && !piece->compare &&
      writer_.context().memory == nullptr && tensor.type == StoredType::bf16 &&
      piece->packed.format == WeightFormat::bf16)
    return read_bf16(block);
  rows_.resize(static_cast<std::size_t>(rows * piece->width()));
  if (auto good = piece->from.file->read_f32(tensor, first * piece->width(),
                                             rows_, aside_);
      !good)
    return good;
  if (piece->plain != nullptr) return writer_.put(piece->plain + first, rows_);
  if (!piece->compare) return writer_.put(piece->packed, first, rows_);
  const auto same = writer_.holds(piece->packed, first, rows_);
  if (!same) return same.error();
  if (*same) return ok();
  return Error{Errc::corrupt,
               piece->from.file->path().string() + ": tensor " + tensor.name +
                   " differs from the embedding, though config.json says "
                   "tie_word_embeddings; set it to false"};
}

Status PieceReader::finish() {
  rows_ = {};
  aside_ = {};
  return writer_.finish();
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
