#include <algorithm>
#include <fstream>

#include "bench/device/sections.hpp"
#include "codec/json.hpp"

namespace troupe::bench {
namespace {

namespace fs = std::filesystem;

struct Tensor {
  std::string name;
  std::vector<std::int64_t> shape;

  std::int64_t elements() const {
    std::int64_t n = 1;
    for (const auto extent : shape) n *= extent;
    return n;
  }
  bool is_norm() const { return name.ends_with("norm.weight"); }
};

std::vector<Tensor> tensors_of(const ModelShape& s) {
  const auto q = s.heads * (s.hidden / s.heads);
  const auto kv = s.kv_heads * (s.hidden / s.heads);
  std::vector<Tensor> all{
      {"model.embed_tokens.weight", {s.vocabulary, s.hidden}}};
  for (std::int64_t i = 0; i < s.layers; ++i) {
    const auto add = [&](const char* part, std::vector<std::int64_t> shape) {
      all.push_back(
          {"model.layers." + std::to_string(i) + "." + part, std::move(shape)});
    };
    add("input_layernorm.weight", {s.hidden});
    add("self_attn.q_proj.weight", {q, s.hidden});
    add("self_attn.q_proj.bias", {q});
    add("self_attn.k_proj.weight", {kv, s.hidden});
    add("self_attn.k_proj.bias", {kv});
    add("self_attn.v_proj.weight", {kv, s.hidden});
    add("self_attn.v_proj.bias", {kv});
    add("self_attn.o_proj.weight", {s.hidden, q});
    add("post_attention_layernorm.weight", {s.hidden});
    add("mlp.gate_proj.weight", {s.intermediate, s.hidden});
    add("mlp.up_proj.weight", {s.intermediate, s.hidden});
    add("mlp.down_proj.weight", {s.hidden, s.intermediate});
  }
  all.push_back({"model.norm.weight", {s.hidden}});
  if (!s.tied_head) all.push_back({"lm_head.weight", {s.vocabulary, s.hidden}});
  return all;
}

Json config_of(const ModelShape& s) {
  return {{"architectures", {"Qwen2ForCausalLM"}},
          {"model_type", "qwen2"},
          {"hidden_act", "silu"},
          {"hidden_size", s.hidden},
          {"intermediate_size", s.intermediate},
          {"num_hidden_layers", s.layers},
          {"num_attention_heads", s.heads},
          {"num_key_value_heads", s.kv_heads},
          {"vocab_size", s.vocabulary},
          {"max_position_embeddings", kModelPositions},
          {"rms_norm_eps", 1e-6},
          {"rope_theta", 1e6},
          {"tie_word_embeddings", s.tied_head},
          {"use_sliding_window", false},
          {"torch_dtype", "bfloat16"},
          {"eos_token_id", 151'645}};
}

std::string header_of(const std::vector<Tensor>& tensors) {
  auto header = Json::object();
  std::int64_t at = 0;
  for (const auto& tensor : tensors) {
    const auto end = at + tensor.elements() * 2;
    header[tensor.name] = {{"dtype", "BF16"},
                           {"shape", tensor.shape},
                           {"data_offsets", {at, end}}};
    at = end;
  }
  auto text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const std::uint64_t size = text.size();
  return std::string(reinterpret_cast<const char*>(&size), sizeof size) + text;
}

}  // namespace

std::vector<ModelShape> model_shapes() {
  return {{"0.5b", 896, 4'864, 24, 14, 2, 151'936, true},
          {"7b", 3'584, 18'944, 28, 28, 4, 152'064, false}};
}

void write_model(const ModelShape& shape, const fs::path& folder) {
  if (fs::exists(folder / "config.json")) return;
  fs::create_directories(folder);
  const auto tensors = tensors_of(shape);
  const auto normal = as_bf16(normal_numbers(8'000'024, 0.02f, 9));
  std::ofstream file{folder / "model.safetensors", std::ios::binary};
  file << header_of(tensors);
  const std::vector<std::uint16_t> ones(static_cast<std::size_t>(shape.hidden),
                                        0x3f80);
  for (const auto& tensor : tensors) {
    const auto& numbers = tensor.is_norm() ? ones : normal;
    for (auto left = static_cast<std::size_t>(tensor.elements()); left > 0;) {
      const auto now = std::min(left, numbers.size());
      file.write(reinterpret_cast<const char*>(numbers.data()),
                 static_cast<std::streamsize>(now * 2));
      left -= now;
    }
  }
  file.close();
  if (!file)
    throw std::runtime_error(folder.string() +
                             ": the model could not be written; name a folder "
                             "with room for it by --models");
  // Last: a folder with it is whole.
  std::ofstream{folder / "config.json"} << config_of(shape);
}

}  // namespace troupe::bench
