// A model folder of the Qwen2 family as a test wants it, right or wrong in one
// thing: hidden 64, one head of 64, 16 rows of vocabulary, one layer.
#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "codec/json.hpp"
#include "tests/models/safetensors_file.hpp"

namespace troupe {

struct TinyTensor {
  std::vector<std::int64_t> shape;
  std::vector<float> values;
  std::string dtype = "F32";
};

struct TinyQwen2 {
  TinyQwen2() {
    const auto layer = [](const char* part) {
      return std::string("model.layers.0.") + part;
    };
    add("model.embed_tokens.weight", {16, 64});
    add(layer("input_layernorm.weight"), {64});
    for (const auto* part : {"q", "k", "v"}) {
      add(layer("self_attn.") + part + "_proj.weight", {64, 64});
      add(layer("self_attn.") + part + "_proj.bias", {64});
    }
    add(layer("self_attn.o_proj.weight"), {64, 64});
    add(layer("post_attention_layernorm.weight"), {64});
    add(layer("mlp.gate_proj.weight"), {32, 64});
    add(layer("mlp.up_proj.weight"), {32, 64});
    add(layer("mlp.down_proj.weight"), {64, 32});
    add("model.norm.weight", {64});
  }

  void add(const std::string& name, std::vector<std::int64_t> shape) {
    std::int64_t n = 1;
    for (const auto extent : shape) n *= extent;
    auto& tensor = tensors[name];
    tensor = {std::move(shape), {}};
    std::mt19937 rng(static_cast<unsigned>(tensors.size()));
    std::normal_distribution<float> normal;
    for (std::int64_t i = 0; i < n; ++i)
      tensor.values.push_back(0.3f * normal(rng));
  }

  /// The tensors of [first, last) of `tensors` as a file.
  std::string file(std::size_t first = 0, std::size_t last = SIZE_MAX) const {
    Json header = Json::object();
    std::string data;
    std::size_t i = 0;
    for (const auto& [name, tensor] : tensors) {
      const auto at = i++;
      if (at < first || at >= last) continue;
      const auto begin = data.size();
      data.append(reinterpret_cast<const char*>(tensor.values.data()),
                  tensor.values.size() * sizeof(float));
      header[name] = {{"dtype", tensor.dtype},
                      {"shape", tensor.shape},
                      {"data_offsets", {begin, data.size()}}};
    }
    auto text = header.dump();
    text.resize((text.size() + 7) / 8 * 8, ' ');  // As the library writes it.
    return safetensors(text, data);
  }

  /// What a file has before its data.
  std::uint64_t header_bytes() const {
    std::uint64_t data = 0;
    for (const auto& [name, tensor] : tensors)
      data += tensor.values.size() * sizeof(float);
    return file().size() - data;
  }

  void write(const std::filesystem::path& dir) const {
    write_bytes(dir / "config.json", config.dump());
    write_bytes(dir / "model.safetensors", file());
  }

  Json config = Json::parse(R"({
    "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2",
    "vocab_size": 16, "hidden_size": 64, "intermediate_size": 32,
    "num_hidden_layers": 1, "num_attention_heads": 1,
    "num_key_value_heads": 1, "hidden_act": "silu",
    "max_position_embeddings": 128, "rms_norm_eps": 1e-06,
    "rope_theta": 1000000.0, "tie_word_embeddings": true,
    "torch_dtype": "float32", "use_sliding_window": false,
    "eos_token_id": 3})");
  std::map<std::string, TinyTensor> tensors;
};

}  // namespace troupe
