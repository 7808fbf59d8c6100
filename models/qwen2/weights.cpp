#include "models/qwen2/weights.hpp"

#include <algorithm>
#include <set>

namespace troupe {
namespace {

using kernels::PackedWeight;
using kernels::WeightFormat;

struct Wanted {
  std::string name;
  std::vector<std::int64_t> shape;
};

void want_layer(const Qwen2Config& c, std::size_t layer,
                std::vector<Wanted>& all) {
  const auto want = [&](const char* part, std::vector<std::int64_t> shape) {
    all.push_back({qwen2_layer_name(layer, part), std::move(shape)});
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

}  // namespace

std::string qwen2_layer_name(std::size_t layer, const char* part) {
  return "model.layers." + std::to_string(layer) + "." + part;
}

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
  return Error{all_unsupported ? Errc::unsupported : Errc::corrupt, message,
               std::move(faults)};
}

WeightFormat head_format(WeightFormat format) {
  return format == WeightFormat::int4 ? WeightFormat::int8 : format;
}

void lay_out_qwen2_weights(Qwen2Weights& w, const Device& device,
                           Arena& arena) {
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

Qwen2Weights counted_qwen2_weights(const Qwen2Config& config,
                                   WeightFormat format, const Device& device) {
  Qwen2Weights weights{.config = config, .format = format};
  Arena count;
  lay_out_qwen2_weights(weights, device, count);
  return weights;
}

std::uint64_t qwen2_weight_bytes(const Qwen2Config& config, WeightFormat format,
                                 const Device& device) {
  Qwen2Weights weights{.config = config, .format = format};
  Arena count;
  lay_out_qwen2_weights(weights, device, count);
  return count.used();
}

}  // namespace troupe
