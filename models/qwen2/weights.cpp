#include "models/qwen2/weights.hpp"

#include <algorithm>
#include <set>

namespace troupe {
namespace {

using kernels::PackedWeight;
using kernels::WeightFormat;

// Read at once: as much as a disk needs to be at its full rate.
constexpr std::int64_t kReadElements = 1 << 20;

struct Wanted {
  std::string name;
  std::vector<std::int64_t> shape;
};

std::string layer_name(std::size_t layer, const char* part) {
  return "model.layers." + std::to_string(layer) + "." + part;
}

void want_layer(const Qwen2Config& c, std::size_t layer,
                std::vector<Wanted>& all) {
  const auto want = [&](const char* part, std::vector<std::int64_t> shape) {
    all.push_back({layer_name(layer, part), std::move(shape)});
  };
  want("input_layernorm.weight", {c.hidden});
  want("self_attn.q_proj.weight", {c.q_width(), c.hidden});
  want("self_attn.q_proj.bias", {c.q_width()});
  want("self_attn.k_proj.weight", {c.kv_width(), c.hidden});
  want("self_attn.k_proj.bias", {c.kv_width()});
  want("self_attn.v_proj.weight", {c.kv_width(), c.hidden});
  want("self_attn.v_proj.bias", {c.kv_width()});
  want("self_attn.o_proj.weight", {c.hidden, c.q_width()});
  want("post_attention_layernorm.weight", {c.hidden});
  want("mlp.gate_proj.weight", {c.intermediate, c.hidden});
  want("mlp.up_proj.weight", {c.intermediate, c.hidden});
  want("mlp.down_proj.weight", {c.hidden, c.intermediate});
}

std::vector<Wanted> wanted_tensors(const Qwen2Config& c) {
  std::vector<Wanted> all;
  all.push_back({"model.embed_tokens.weight", {c.vocabulary_rows, c.hidden}});
  for (std::size_t i = 0; i < static_cast<std::size_t>(c.layers); ++i)
    want_layer(c, i, all);
  all.push_back({"model.norm.weight", {c.hidden}});
  if (!c.tied_head)
    all.push_back({"lm_head.weight", {c.vocabulary_rows, c.hidden}});
  return all;
}

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text;
  for (const auto extent : shape)
    text += (text.empty() ? "" : ", ") + std::to_string(extent);
  return "[" + text + "]";
}

bool is_weight_type(StoredType type) {
  return type == StoredType::f32 || type == StoredType::f16 ||
         type == StoredType::bf16;
}

// Assigns every tensor its place; an arena that counts gives only the size.
void lay_out(Qwen2Weights& w, const Device& device, Arena& arena) {
  const auto& c = w.config;
  const auto packed_as = [&](WeightFormat format, std::int64_t outputs,
                             std::int64_t inputs) {
    const auto layout = kernels::layout_on(device, format);
    return PackedWeight{.data = arena.take_bytes(kernels::packed_bytes(
                            format, outputs, inputs, layout)),
                        .format = format,
                        .outputs = outputs,
                        .inputs = inputs,
                        .layout = layout};
  };
  const auto packed = [&](std::int64_t outputs, std::int64_t inputs) {
    return packed_as(w.format, outputs, inputs);
  };
  const auto head = head_format(w.format);
  w.embedding =
      packed_as(c.tied_head ? head : w.format, c.vocabulary_rows, c.hidden);
  w.head =
      c.tied_head ? w.embedding : packed_as(head, c.vocabulary_rows, c.hidden);
  w.layers.resize(static_cast<std::size_t>(c.layers));
  for (auto& layer : w.layers) {
    layer.input_norm = arena.take<float>(c.hidden);
    layer.q = packed(c.q_width(), c.hidden);
    layer.k = packed(c.kv_width(), c.hidden);
    layer.v = packed(c.kv_width(), c.hidden);
    layer.q_bias = arena.take<float>(c.q_width());
    layer.k_bias = arena.take<float>(c.kv_width());
    layer.v_bias = arena.take<float>(c.kv_width());
    layer.o = packed(c.hidden, c.q_width());
    layer.mlp_norm = arena.take<float>(c.hidden);
    layer.gate = packed(c.intermediate, c.hidden);
    layer.up = packed(c.intermediate, c.hidden);
    layer.down = packed(c.hidden, c.intermediate);
  }
  w.norm = arena.take<float>(c.hidden);
}

}  // namespace

Status check_qwen2_tensors(const Qwen2Config& config,
                           const WeightFolder& folder) {
  std::vector<Fault> faults;
  bool all_unsupported = true;
  const auto fault = [&](const std::string& name, const std::string& what,
                         bool unsupported = false) {
    faults.push_back({name, what});
    all_unsupported = all_unsupported && unsupported;
  };
  std::set<std::string, std::less<>> names;
  for (const auto& [name, shape] : wanted_tensors(config)) {
    names.insert(name);
    const auto found = folder.tensors().find(name);
    if (found == folder.tensors().end()) {
      fault(name, "is missing");
      continue;
    }
    const auto& tensor = *found->second.tensor;
    if (tensor.shape != shape)
      fault(name, "is " + shape_text(tensor.shape) + "; config.json says " +
                      shape_text(shape));
    if (!is_weight_type(tensor.type))
      fault(name,
            "is " + std::string(to_string(tensor.type)) +
                "; weights may be BF16, F16 or F32",
            true);
  }
  for (const auto& [name, located] : folder.tensors()) {
    const bool may_be = (name == "lm_head.weight" && config.tied_head) ||
                        name.ends_with(".rotary_emb.inv_freq");
    if (!names.contains(name) && !may_be)
      fault(name, "is a tensor that this family does not know", true);
  }
  if (faults.empty()) return ok();
  auto message = folder.path().string() + ": tensor " + faults.front().path +
                 " " + faults.front().message;
  if (faults.size() > 1)
    message += " (and " + std::to_string(faults.size() - 1) + " more)";
  if (faults.size() > kMaxShownFaults) faults.resize(kMaxShownFaults);
  return Error{all_unsupported ? Errc::unsupported : Errc::corrupt, message,
               std::move(faults)};
}

WeightFormat head_format(WeightFormat format) {
  return format == WeightFormat::int4 ? WeightFormat::int8 : format;
}

Qwen2Weights counted_qwen2_weights(const Qwen2Config& config,
                                   WeightFormat format, const Device& device) {
  Qwen2Weights weights{.config = config, .format = format};
  Arena count;
  lay_out(weights, device, count);
  return weights;
}

std::uint64_t qwen2_weight_bytes(const Qwen2Config& config, WeightFormat format,
                                 const Device& device) {
  Qwen2Weights weights{.config = config, .format = format};
  Arena count;
  lay_out(weights, device, count);
  return count.used();
}

Result<Qwen2WeightLoader> Qwen2WeightLoader::open(
    const std::filesystem::path& dir, WeightFormat format, const Context& ctx) {
  auto config = load_qwen2_config(dir);
  if (!config) return config.error();
  auto folder = WeightFolder::open(dir);
  if (!folder) return folder.error();
  if (auto good = check_qwen2_tensors(*config, *folder); !good)
    return good.error();
  Qwen2WeightLoader loader{std::move(*folder), ctx};
  loader.weights_.config = std::move(*config);
  loader.weights_.format = format;
  loader.progress_.total_bytes = loader.folder_.total_bytes();
  return loader;
}

Status Qwen2WeightLoader::add(const std::string& name, Piece piece) {
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
    if (auto good = add_packed(layer_name(index, part), to); !good) return good;
  for (const auto& [part, to] : plain)
    if (auto good = add_plain(layer_name(index, part), to); !good) return good;
  return ok();
}

// Allocates, and lists the pieces in the order of the files.
Status Qwen2WeightLoader::begin() {
  auto arena = Arena::allocate(writer_.context(), bytes());
  if (!arena) return arena.error();
  weights_.memory = std::move(*arena);
  lay_out(weights_, writer_.context().device, weights_.memory);
  if (auto good = add_packed("model.embed_tokens.weight", weights_.embedding);
      !good)
    return good;
  for (std::size_t i = 0; i < weights_.layers.size(); ++i)
    if (auto good = add_layer(i); !good) return good;
  if (auto good = add_plain("model.norm.weight", weights_.norm); !good)
    return good;
  const bool stored = folder_.tensors().contains("lm_head.weight");
  if (stored)
    if (auto good = add("lm_head.weight", {.packed = weights_.head,
                                           .compare = config().tied_head});
        !good)
      return good;
  const auto before = [](const Piece& a, const Piece& b) {
    if (a.compare != b.compare) return b.compare;  // What it equals, first.
    if (a.from.file != b.from.file)
      return a.from.file->path() < b.from.file->path();
    return a.from.tensor->begin < b.from.tensor->begin;
  };
  std::ranges::sort(pieces_, before);
  progress_.total_bytes = 0;
  for (const auto& piece : pieces_)
    progress_.total_bytes += piece.from.tensor->bytes();
  return ok();
}

Status Qwen2WeightLoader::read_rows(const Piece& piece, std::int64_t first,
                                    std::int64_t rows) {
  const auto& tensor = *piece.from.tensor;
  const auto width = piece.width();
  rows_.resize(static_cast<std::size_t>(rows * width));
  if (auto good = piece.from.file->read_f32(tensor, first * width, rows_);
      !good)
    return good;
  if (piece.plain != nullptr) return writer_.put(piece.plain + first, rows_);
  if (!piece.compare) return writer_.put(piece.packed, first, rows_);
  const auto same = writer_.holds(piece.packed, first, rows_);
  if (!same) return same.error();
  if (*same) return ok();
  return Error{Errc::corrupt,
               piece.from.file->path().string() + ": tensor " + tensor.name +
                   " differs from the embedding, though config.json says "
                   "tie_word_embeddings; set it to false"};
}

Result<LoadProgress> Qwen2WeightLoader::step(std::uint64_t max_bytes) {
  if (weights_.layers.empty())
    if (auto good = begin(); !good) return good.error();
  std::uint64_t read = 0;
  while (piece_ < pieces_.size() && read < max_bytes) {
    const auto& piece = pieces_[piece_];
    const auto& tensor = *piece.from.tensor;
    const auto width = piece.width();
    const auto all_rows = tensor.elements() / width;
    const auto row_bytes =
        static_cast<std::uint64_t>(width) * element_bytes(tensor.type);
    const auto room = static_cast<std::int64_t>((max_bytes - read) / row_bytes);
    if (room == 0 && read > 0) break;
    const auto rows =
        std::min(all_rows - row_,
                 writer_.rows_at_once(std::min(room, kReadElements / width)));
    if (auto good = read_rows(piece, row_, rows); !good) return good.error();
    read += static_cast<std::uint64_t>(rows) * row_bytes;
    row_ += rows;
    if (row_ < all_rows) continue;
    ++piece_;
    row_ = 0;
  }
  progress_.loaded_bytes += read;
  if (!progress_.done()) return progress_;
  rows_ = {};
  if (auto good = writer_.finish(); !good) return good.error();
  return progress_;
}

}  // namespace troupe
