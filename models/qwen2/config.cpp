#include "models/qwen2/config.hpp"

#include <string>

#include "models/json_keys.hpp"
#include "models/missing_file.hpp"

namespace troupe {
namespace {

// A key that may be missing, but if there means only `known`.
void only(JsonKeys& keys, const std::string& path, const UniqueJson& known) {
  const auto* value = keys.find(path);
  if (value != nullptr && *value != known) keys.unsupported(path, known.dump());
}

void read_sizes(JsonKeys& keys, Qwen2Config& config) {
  const auto size = [&](const char* key, std::int64_t max) {
    return keys.whole(key, 1, max).value_or(0);
  };
  config.vocabulary_rows = size("vocab_size", kMaxVocabularyRows);
  config.hidden = size("hidden_size", kMaxHidden);
  config.intermediate = size("intermediate_size", kMaxIntermediate);
  config.layers = size("num_hidden_layers", kMaxLayers);
  config.heads = size("num_attention_heads", kMaxHeads);
  config.kv_heads = size("num_key_value_heads", kMaxHeads);
  config.max_positions = size("max_position_embeddings", kMaxPositions);
  config.rms_norm_eps =
      static_cast<float>(keys.number("rms_norm_eps", 1e-12, 0.1).value_or(0));
}

void read_heads(JsonKeys& keys, Qwen2Config& config) {
  if (config.heads == 0 || config.kv_heads == 0 || config.hidden == 0) return;
  if (config.heads % config.kv_heads != 0)
    keys.unsupported(
        "num_key_value_heads",
        "a divisor of num_attention_heads, " + std::to_string(config.heads));
  if (keys.find("head_dim") != nullptr) {
    config.head_dim = keys.whole("head_dim", 1, kMaxHidden).value_or(64);
    if (config.head_dim != 64 && config.head_dim != 128)
      keys.unsupported("head_dim", "64 or 128");
    return;
  }
  config.head_dim = config.hidden / config.heads;
  if (config.head_dim * config.heads != config.hidden)
    keys.unsupported("num_attention_heads", "a divisor of hidden_size, " +
                                                std::to_string(config.hidden));
  else if (config.head_dim != 64 && config.head_dim != 128)
    keys.unsupported(
        "num_attention_heads",
        "what gives a head size (hidden_size divided by it, here " +
            std::to_string(config.head_dim) + ") of 64 or 128");
}

// The scaling's type is 'rope_type', in older files 'type'.
void only_plain_rope(JsonKeys& keys, const std::string& path) {
  const auto* value = keys.find(path);
  if (value == nullptr) return;
  if (!value->is_object())
    return keys.fault(path, "is " + value->dump() + "; it must be an object");
  only(keys, path + ".rope_type", "default");
  only(keys, path + ".type", "default");
  only(keys, path + ".partial_rotary_factor", 1.0);
  only(keys, path + ".factor", 1.0);
  if (path == "rope_scaling" && keys.find(path + ".rope_type") == nullptr &&
      keys.find(path + ".type") == nullptr)
    keys.unsupported(path, "null, or one whose rope_type is \"default\"");
}

void read_rope(JsonKeys& keys, Qwen2Config& config) {
  constexpr double kMaxTheta = 1e12;
  only_plain_rope(keys, "rope_scaling");
  only_plain_rope(keys, "rope_parameters");
  only(keys, "partial_rotary_factor", 1.0);
  const std::string hub = "rope_theta", five = "rope_parameters.rope_theta";
  const auto* old_value = keys.find(hub);
  const auto* new_value = keys.find(five);
  const auto& path = new_value != nullptr ? five : hub;
  config.rope_theta =
      static_cast<float>(keys.number(path, 2, kMaxTheta).value_or(0));
  if (old_value != nullptr && new_value != nullptr && *old_value != *new_value)
    keys.fault(hub, "is " + old_value->dump() + ", but " + five + " is " +
                        new_value->dump());
}

void only_full_attention(JsonKeys& keys) {
  if (keys.flag("use_sliding_window", false).value_or(false))
    keys.unsupported("use_sliding_window", "false");
  const auto* types = keys.find("layer_types");
  if (types == nullptr) return;
  bool full = types->is_array();
  if (full)
    for (const auto& type : *types)
      full = full && type == UniqueJson("full_attention");
  if (!full) keys.unsupported("layer_types", "\"full_attention\" throughout");
}

void only_known_dtype(JsonKeys& keys, const std::string& path) {
  const auto type = keys.text(path, "float32");
  if (type && *type != "float32" && *type != "float16" && *type != "bfloat16")
    keys.unsupported(path, "\"bfloat16\", \"float16\" or \"float32\"");
}

}  // namespace

Result<Qwen2Config> parse_qwen2_config(const UniqueJson& json,
                                       std::string_view file) {
  JsonKeys keys{json};
  Qwen2Config config;
  if (keys.text("model_type") != "qwen2" && keys.find("model_type") != nullptr)
    keys.unsupported("model_type", "\"qwen2\"");
  only(keys, "architectures", UniqueJson::array({"Qwen2ForCausalLM"}));
  only(keys, "quantization_config", nullptr);
  if (keys.text("hidden_act").value_or("silu") != "silu")
    keys.unsupported("hidden_act", "\"silu\"");
  read_sizes(keys, config);
  read_heads(keys, config);
  read_rope(keys, config);
  only_full_attention(keys);
  only_known_dtype(keys, "torch_dtype");
  only_known_dtype(keys, "dtype");
  config.tied_head = keys.flag("tie_word_embeddings", false).value_or(false);
  if (config.vocabulary_rows > 0)
    config.eos = keys.ids("eos_token_id",
                          static_cast<TokenId>(config.vocabulary_rows - 1));
  if (auto good = keys.result(file); !good) return good.error();
  return config;
}

Result<Qwen2Config> load_qwen2_config(const std::filesystem::path& dir) {
  const auto path = (dir / "config.json").string();
  const auto json = read_json_object(path);
  if (!json) return missing_model_file(path, json.error());
  return parse_qwen2_config(*json, path);
}

}  // namespace troupe
