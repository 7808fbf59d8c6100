#include "models/qwen2/weight_loader.hpp"

#include <algorithm>
#include <functional>
#include <thread>
#include <utility>

#include "kernels/device_memory.hpp"
#include "models/qwen2/packed_weights.hpp"
#include "models/weights/side_by_side.hpp"
#include "models/weights/staged_blocks.hpp"

namespace troupe {

using kernels::PackedWeight;
using kernels::WeightFormat;

namespace {

Error bounded(Error why) {
  if (why.faults.size() > kMaxLoadFaults) why.faults.resize(kMaxLoadFaults);
  return why;
}

}  // namespace

Result<Qwen2WeightLoader> Qwen2WeightLoader::opened(const ModelSource& source,
                                                    WeightFormat format,
                                                    const Context& ctx) {
  auto config = load_qwen2_config(source.folder);
  if (!config) return config.error();
  auto folder = WeightFolder::open(source.folder);
  if (!folder) return bounded(folder.error());
  if (auto good = check_qwen2_tensors(*config, *folder); !good)
    return bounded(good.error());
  Qwen2WeightLoader loader{source, std::move(*folder), ctx};
  loader.weights_.config = std::move(*config);
  loader.weights_.format = format;
  loader.progress_.total_bytes = loader.folder_.total_bytes();
  return loader;
}

Result<Qwen2WeightLoader> Qwen2WeightLoader::open(const ModelSource& source,
                                                  WeightFormat format,
                                                  const Context& ctx) {
  auto loader = opened(source, format, ctx);
  if (!loader) return loader;
  auto packed = find_packed(source, loader->config(), loader->folder_, format,
                            ctx.device);
  if (packed) {
    loader->progress_.total_bytes = packed->bytes();
    loader->packed_ = std::move(*packed);
  } else if (packed.error().code != Errc::not_found) {
    loader->remark_ = packed.error().message;
  }
  return loader;
}

Result<Qwen2WeightLoader> Qwen2WeightLoader::open_to_pack(
    const ModelSource& source, WeightFormat format, const Context& ctx) {
  auto loader = opened(source, format, ctx);
  if (loader) loader->memory_order_ = true;
  return loader;
}

Status Qwen2WeightLoader::allocate() {
  auto arena = Arena::allocate(ctx_, bytes());
  if (!arena) return arena.error();
  weights_.memory = std::move(*arena);
  lay_out_qwen2_weights(weights_, ctx_.device, weights_.memory);
  return ok();
}

// The Context of a device has no team; what reads for it are all cores, since
// one copies a sixth of what a link takes.
std::size_t Qwen2WeightLoader::readers_at_once() const {
  const auto cores =
      ctx_.memory == nullptr
          ? static_cast<std::size_t>(ctx_.threads())
          : std::max<std::size_t>(1, std::thread::hardware_concurrency());
  const bool waits = packed_ ? packed_->past_cache() : folder_.past_cache();
  return waits ? std::max(kDiskReaders, cores) : cores;
}

// -- from the folder ----------------------------------------------------------

Status Qwen2WeightLoader::add(const std::string& name, WeightPiece piece) {
  auto found = folder_.find(name);
  if (!found) return found.error();
  piece.from = *found;
  pieces_.push_back(piece);
  return ok();
}

Status Qwen2WeightLoader::add_packed(const std::string& name,
                                     const PackedWeight& to) {
  return add(name, {.packed = to});
}

Status Qwen2WeightLoader::add_plain(const std::string& name, float* to) {
  return add(name, {.plain = to});
}

Status Qwen2WeightLoader::add_layer(std::size_t index) {
  const auto& layer = weights_.layers[index];
  const std::pair<const char*, PackedWeight> packed[] = {
      {"self_attn.q_proj.weight", layer.q},
      {"self_attn.k_proj.weight", layer.k},
      {"self_attn.v_proj.weight", layer.v},
      {"self_attn.o_proj.weight", layer.o},
      {"mlp.gate_proj.weight", layer.gate},
      {"mlp.up_proj.weight", layer.up},
      {"mlp.down_proj.weight", layer.down}};
  const std::pair<const char*, float*> plain[] = {
      {"input_layernorm.weight", layer.input_norm},
      {"self_attn.q_proj.bias", layer.q_bias},
      {"self_attn.k_proj.bias", layer.k_bias},
      {"self_attn.v_proj.bias", layer.v_bias},
      {"post_attention_layernorm.weight", layer.mlp_norm}};
  for (const auto& [part, to] : packed)
    if (auto good = add_packed(qwen2_layer_name(index, part), to); !good)
      return good;
  for (const auto& [part, to] : plain)
    if (auto good = add_plain(qwen2_layer_name(index, part), to); !good)
      return good;
  return ok();
}

// What is only compared comes after what it equals: of a file's order last, of
// the memory's at once, before that is given away.
void Qwen2WeightLoader::sort_pieces() {
  const auto place = [](const WeightPiece& piece) -> const void* {
    return piece.plain != nullptr ? piece.plain : piece.packed.data;
  };
  const auto before = [&](const WeightPiece& a, const WeightPiece& b) {
    if (memory_order_ && place(a) != place(b))
      return std::less<>{}(place(a), place(b));
    if (a.compare != b.compare) return b.compare;
    if (a.from.file != b.from.file)
      return a.from.file->path() < b.from.file->path();
    return a.from.tensor->begin < b.from.tensor->begin;
  };
  std::ranges::sort(pieces_, before);
}

Status Qwen2WeightLoader::list_pieces() {
  if (auto good = add_packed("model.embed_tokens.weight", weights_.embedding);
      !good)
    return good;
  for (std::size_t i = 0; i < weights_.layers.size(); ++i)
    if (auto good = add_layer(i); !good) return good;
  if (auto good = add_plain("model.norm.weight", weights_.norm); !good)
    return good;
  if (folder_.tensors().contains("lm_head.weight"))
    if (auto good = add("lm_head.weight", {.packed = weights_.head,
                                           .compare = config().tied_head});
        !good)
      return good;
  sort_pieces();
  progress_ = {};
  for (const auto& piece : pieces_)
    progress_.total_bytes += piece.from.tensor->bytes();
  readers_.clear();
  for (std::size_t i = 0; i < readers_at_once(); ++i)
    readers_.emplace_back(ctx_);
  return ok();
}

// In order; `at` is after them then. What is compared waits for a step of its
// own, since blocks of one step are read side by side.
std::vector<PieceBlock> Qwen2WeightLoader::blocks_from(
    Place& at, std::uint64_t max_bytes) const {
  std::vector<PieceBlock> blocks;
  std::uint64_t bytes = 0;
  while (at.piece < pieces_.size() && bytes < max_bytes) {
    const auto& piece = pieces_[at.piece];
    const auto room =
        static_cast<std::int64_t>((max_bytes - bytes) / piece.row_bytes());
    if (!blocks.empty() &&
        (room == 0 || piece.compare != blocks.front().piece->compare))
      break;
    const auto rows = std::min(piece.rows() - at.row,
                               readers_.front().rows_at_once(piece, room));
    blocks.push_back({&piece, at.row, rows});
    bytes += blocks.back().bytes();
    at.row += rows;
    if (at.row < piece.rows()) continue;
    at = {at.piece + 1, 0};
  }
  return blocks;
}

// What is compared is brought from the device, by its one thread.
Status Qwen2WeightLoader::read_all(std::span<PieceBlock> blocks,
                                   std::size_t count) {
  if (ctx_.memory == nullptr) return read_blocks(readers_, blocks, count);
  if (blocks.front().piece->compare)
    return read_blocks(std::span{readers_}.first(1), blocks, count);
  return send_blocks(*ctx_.memory, readers_, blocks, count);
}

Result<std::uint64_t> Qwen2WeightLoader::read_pieces(std::uint64_t max_bytes) {
  if (pieces_.empty())
    if (auto good = list_pieces(); !good) return good.error();
  auto blocks = blocks_from(next_, max_bytes);
  const auto count = blocks.size();
  std::uint64_t read = 0;
  for (const auto& block : blocks) read += block.bytes();
  auto after = next_;
  for (const auto& block : blocks_from(after, kReadAheadBytes))
    blocks.push_back(block);
  if (auto good = read_all(blocks, count); !good) return good.error();
  return read;
}

std::uint64_t Qwen2WeightLoader::whole_bytes() const {
  if (pieces_.empty()) return 0;
  if (next_.piece == pieces_.size()) return bytes();
  const auto& next = pieces_[next_.piece];
  if (next.compare) return 0;  // The first weight waits for it.
  const auto* at = next.plain != nullptr
                       ? reinterpret_cast<const std::byte*>(next.plain)
                       : static_cast<const std::byte*>(next.packed.data);
  return static_cast<std::uint64_t>(at - weights_.memory.data());
}

// -- as they were packed before -----------------------------------------------

Status Qwen2WeightLoader::read_packed_blocks(std::uint64_t first,
                                             std::uint64_t count) {
  auto* const to = weights_.memory.data();
  if (ctx_.memory != nullptr)
    return send_packed(*ctx_.memory, *packed_, first, count, to,
                       readers_at_once());
  constexpr auto kAhead = kReadAheadBytes / kPackedBlockBytes;
  const auto ask = [&](std::uint64_t from, std::uint64_t asked) {
    const auto end = std::min(packed_->blocks(), from + asked);
    if (from < end) packed_->read_ahead(from, end - from);
  };
  ask(first, kAhead);
  return read_side_by_side(
      readers_at_once(), count, [&](std::size_t, std::size_t i) {
        const auto block = first + i;
        ask(block + kAhead, 1);
        return packed_->read(block, {to + block * kPackedBlockBytes,
                                     packed_->block_bytes(block)});
      });
}

Result<std::uint64_t> Qwen2WeightLoader::read_packed(std::uint64_t max_bytes) {
  const auto count = std::clamp<std::uint64_t>(max_bytes / kPackedBlockBytes, 1,
                                               packed_->blocks() - block_);
  const auto first = block_;
  block_ += count;
  if (auto good = read_packed_blocks(first, count); !good) return good.error();
  std::uint64_t read = 0;
  for (auto block = first; block < block_; ++block)
    read += packed_->block_bytes(block);
  return read;
}

Result<LoadProgress> Qwen2WeightLoader::step(std::uint64_t max_bytes) {
  if (weights_.layers.empty())
    if (auto good = allocate(); !good) return good.error();
  const auto read = packed_ ? read_packed(max_bytes) : read_pieces(max_bytes);
  if (!read && packed_ && read.error().code != Errc::device_lost) {
    remark_ = not_used(read.error(), source_, format());
    packed_.reset();
    progress_ = {.total_bytes = folder_.total_bytes()};
    return progress_;
  }
  if (!read) return read.error();
  progress_.loaded_bytes += *read;
  if (!progress_.done()) return progress_;
  for (auto& reader : readers_) reader.finish();
  if (auto good = kernels::wait(ctx_); !good) return good.error();
  return progress_;
}

}  // namespace troupe
