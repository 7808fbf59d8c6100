#include "models/weights/weight_piece.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "models/missing_file.hpp"
#include "models/packed_rows.hpp"
#include "models/weights/broken_number.hpp"
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

Status PieceReader::read_f32(const PieceBlock& block) {
  const auto& [tensor, file] = block.piece->from;
  const auto width = block.piece->width();
  rows_.resize(static_cast<std::size_t>(block.rows * width));
  return file->read_f32(*tensor, block.first * width, rows_, aside_);
}

// Read once more, since only now somebody wants to know which it is.
Error PieceReader::why_not_finite(const PieceBlock& block) {
  const auto* piece = block.piece;
  if (auto good = read_f32(block); !good) return good.error();
  const auto begin = block.first * piece->width();
  if (const auto broken = first_not_finite(rows_)) {
    auto why = broken_number(piece->from, begin + *broken,
                             rows_[static_cast<std::size_t>(*broken)]);
    why.message += fetch_again(piece->from.file->path());
    return why;
  }
  const auto most = std::ranges::max_element(
      rows_, {}, [](float value) { return std::abs(value); });
  return number_beyond(piece->from, begin + (most - rows_.begin()), *most,
                       piece->packed.format);
}

// As read_f32() and pack_rows() would, without going through fp32.
Status PieceReader::read_bf16(const PieceBlock& block) {
  const auto* piece = block.piece;
  const auto bytes =
      piece->from.file->view(*piece->from.tensor, block.offset(),
                             static_cast<std::size_t>(block.bytes()), aside_);
  if (!bytes) return bytes.error();
  const auto to = target_of(block);
  if (kernels::pack_bf16_rows(
          to.weight, to.first,
          {reinterpret_cast<const std::uint16_t*>(bytes->data()),
           static_cast<std::size_t>(block.rows * piece->width())}))
    return ok();
  return why_not_finite(block);
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
  if (auto good = read_f32(block); !good) return good;
  if (piece->plain != nullptr) {
    if (first_not_finite(rows_)) return why_not_finite(block);
    std::memcpy(block.aside != nullptr ? block.aside : block.goal(),
                rows_.data(), block.goal_bytes());
    return ok();
  }
  if (!piece->compare) {
    const auto to = target_of(block);
    if (kernels::pack_rows(to.weight, to.first, rows_)) return ok();
    return why_not_finite(block);
  }
  const auto same = packed_holds(ctx_, piece->packed, block.first, rows_);
  if (!same) return same.error();
  if (*same) return ok();
  if (first_not_finite(rows_)) return why_not_finite(block);
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
