#include "models/qwen2/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/text/generation_config.hpp"
#include "tests/models/safetensors_file.hpp"
#include "tests/platform/temp_dir.hpp"

namespace troupe {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// As the hub has it for Qwen2.5-0.5B-Instruct.
UniqueJson hub() {
  return UniqueJson::parse(R"({
    "architectures": ["Qwen2ForCausalLM"], "attention_dropout": 0.0,
    "bos_token_id": 151643, "eos_token_id": 151645, "hidden_act": "silu",
    "hidden_size": 896, "initializer_range": 0.02, "intermediate_size": 4864,
    "max_position_embeddings": 32768, "max_window_layers": 21,
    "model_type": "qwen2", "num_attention_heads": 14, "num_hidden_layers": 24,
    "num_key_value_heads": 2, "rms_norm_eps": 1e-06, "rope_theta": 1000000.0,
    "sliding_window": 32768, "tie_word_embeddings": true,
    "torch_dtype": "bfloat16", "transformers_version": "4.43.1",
    "use_cache": true, "use_sliding_window": false, "vocab_size": 151936})");
}

// As transformers 5 writes the same.
UniqueJson five() {
  auto json = hub();
  json.erase("rope_theta");
  json.erase("torch_dtype");
  json["dtype"] = "bfloat16";
  json["rope_parameters"] = {{"rope_theta", 1e6}, {"rope_type", "default"}};
  json["layer_types"] = std::vector<std::string>(24, "full_attention");
  json["sliding_window"] = nullptr;
  json["eos_token_id"] = {151645, 151643};
  return json;
}

Error refusal(const UniqueJson& json) {
  const auto config = parse_qwen2_config(json, "c.json");
  return config ? Error{Errc::internal, "taken"} : config.error();
}

UniqueJson with(const std::string& key, const UniqueJson& value) {
  auto json = hub();
  json[key] = value;
  return json;
}

std::vector<std::string> paths(const Error& error) {
  std::vector<std::string> all;
  for (const auto& fault : error.faults) all.push_back(fault.path);
  return all;
}

TEST(Qwen2Config, ReadsTheHubsForm) {
  const auto config = parse_qwen2_config(hub(), "c.json");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->vocabulary_rows, 151936);
  EXPECT_EQ(config->hidden, 896);
  EXPECT_EQ(config->intermediate, 4864);
  EXPECT_EQ(config->layers, 24);
  EXPECT_EQ(config->heads, 14);
  EXPECT_EQ(config->kv_heads, 2);
  EXPECT_EQ(config->head_dim, 64);
  EXPECT_EQ(config->q_width(), 896);
  EXPECT_EQ(config->kv_width(), 128);
  EXPECT_EQ(config->max_positions, 32768);
  EXPECT_EQ(config->rms_norm_eps, 1e-6f);
  EXPECT_EQ(config->rope_theta, 1e6f);
  EXPECT_TRUE(config->tied_head);
  EXPECT_THAT(config->eos, ElementsAre(151645));
}

TEST(Qwen2Config, ReadsTheFormOfTransformers5) {
  const auto config = parse_qwen2_config(five(), "c.json");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->rope_theta, 1e6f);
  EXPECT_THAT(config->eos, ElementsAre(151645, 151643));
}

TEST(Qwen2Config, TakesAHeadSizeOfItsOwn) {
  const auto config = parse_qwen2_config(with("head_dim", 128), "c.json");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->head_dim, 128);
  EXPECT_EQ(config->q_width(), 14 * 128);
}

TEST(Qwen2Config, TakesTheHeadAsItsOwnWhereNothingTiesIt) {
  auto json = hub();
  json.erase("tie_word_embeddings");
  const auto config = parse_qwen2_config(json, "c.json");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_FALSE(config->tied_head);
}

TEST(Qwen2Config, RefusesAnotherFamilyAndWhatElseIsWrong) {
  auto json = hub();
  json["model_type"] = "llama";
  auto error = refusal(json);
  EXPECT_EQ(error.code, Errc::unsupported);
  EXPECT_EQ(error.message,
            "c.json: model_type is \"llama\"; supported is \"qwen2\"");
  json["hidden_act"] = "gelu";
  json["num_attention_heads"] = 0;
  error = refusal(json);
  EXPECT_THAT(paths(error),
              ElementsAre("model_type", "hidden_act", "num_attention_heads"));
  EXPECT_THAT(error.message,
              AllOf(HasSubstr("model_type is \"llama\""),
                    HasSubstr("num_attention_heads is 0; allowed are")));
  EXPECT_THAT(refusal(UniqueJson::object()).message,
              HasSubstr("c.json: model_type is missing; "));
}

TEST(Qwen2Config, NamesEveryFaultInOneAnswer) {
  auto json = hub();
  json.erase("hidden_size");
  json["hidden_act"] = "gelu";
  json["use_sliding_window"] = true;
  json["vocab_size"] = "many";
  json["rope_scaling"] = {{"type", "yarn"}, {"factor", 4.0}};
  const auto error = refusal(json);
  EXPECT_EQ(error.code, Errc::unsupported);
  EXPECT_THAT(paths(error),
              ElementsAre("hidden_act", "vocab_size", "hidden_size",
                          "rope_scaling.type", "rope_scaling.factor",
                          "use_sliding_window"));
  EXPECT_THAT(error.message,
              AllOf(HasSubstr("c.json: hidden_act is \"gelu\"; supported is "
                              "\"silu\""),
                    HasSubstr("use_sliding_window is true; ")));
}

TEST(Qwen2Config, RefusesEveryRopeItDoesNotCompute) {
  using J = UniqueJson;
  for (const auto& scaling :
       {J{{"rope_type", "yarn"}}, J{{"type", "linear"}, {"factor", 2.0}},
        J{{"rope_type", "dynamic"}}, J{{"factor", 2.0}}, J::object()}) {
    const auto error = refusal(with("rope_scaling", scaling));
    EXPECT_EQ(error.code, Errc::unsupported) << scaling;
    EXPECT_THAT(error.message, HasSubstr("rope_scaling")) << scaling;
  }
  EXPECT_EQ(refusal(with("rope_scaling", 3)).code, Errc::corrupt);
  EXPECT_EQ(refusal(with("rope_scaling", {{"rope_type", "default"}})).message,
            "taken");
  EXPECT_EQ(refusal(with("rope_scaling", nullptr)).message, "taken");
  auto json = five();
  json["rope_parameters"]["rope_type"] = "llama3";
  EXPECT_THAT(refusal(json).message, HasSubstr("rope_parameters.rope_type"));
  json["rope_parameters"] = {{"rope_type", "default"}};
  EXPECT_THAT(refusal(json).message, HasSubstr("rope_theta is missing"));
}

TEST(Qwen2Config, RefusesTwoThetasThatDiffer) {
  auto json = five();
  json["rope_theta"] = 1e6;
  EXPECT_EQ(refusal(json).message, "taken");
  json["rope_theta"] = 1e4;
  EXPECT_THAT(refusal(json).message,
              HasSubstr("rope_theta is 10000.0, but rope_parameters"));
}

TEST(Qwen2Config, RefusesHeadsThatDoNotWorkOut) {
  EXPECT_THAT(refusal(with("num_key_value_heads", 4)).message,
              HasSubstr("num_key_value_heads is 4; supported is a divisor of "
                        "num_attention_heads, 14"));
  EXPECT_THAT(refusal(with("num_attention_heads", 12)).message,
              HasSubstr("a divisor of hidden_size, 896"));
  EXPECT_THAT(refusal(with("num_attention_heads", 28)).message,
              HasSubstr("here 32"));
  EXPECT_THAT(refusal(with("head_dim", 96)).message,
              HasSubstr("head_dim is 96; supported is 64 or 128"));
}

TEST(Qwen2Config, RefusesSizesOutOfRange) {
  const std::pair<const char*, std::int64_t> limits[] = {
      {"vocab_size", kMaxVocabularyRows},
      {"intermediate_size", kMaxIntermediate},
      {"num_hidden_layers", kMaxLayers},
      {"max_position_embeddings", kMaxPositions}};
  for (const auto& [key, most] : limits) {
    EXPECT_EQ(refusal(with(key, most + 1)).code, Errc::corrupt) << key;
    EXPECT_EQ(refusal(with(key, 0)).code, Errc::corrupt) << key;
    EXPECT_EQ(refusal(with(key, -1)).code, Errc::corrupt) << key;
    EXPECT_EQ(refusal(with(key, 2.5)).code, Errc::corrupt) << key;
    EXPECT_EQ(refusal(with(key, UINT64_MAX)).code, Errc::corrupt) << key;
    EXPECT_THAT(refusal(with(key, most)).message,
                ::testing::Not(HasSubstr(key)))
        << key;
  }
  EXPECT_THAT(refusal(with("hidden_size", kMaxHidden + 1)).message,
              HasSubstr("hidden_size is 16385; allowed are whole numbers from "
                        "1 to 16384"));
  EXPECT_THAT(refusal(with("num_attention_heads", kMaxHeads + 1)).message,
              HasSubstr("num_attention_heads is 257"));
  EXPECT_EQ(refusal(with("rms_norm_eps", 0)).code, Errc::corrupt);
  EXPECT_EQ(refusal(with("rms_norm_eps", "tiny")).code, Errc::corrupt);
  EXPECT_EQ(refusal(with("rope_theta", 0)).code, Errc::corrupt);
  EXPECT_EQ(refusal(with("eos_token_id", 151936)).code, Errc::corrupt);
  EXPECT_EQ(refusal(with("eos_token_id", {3, "x"})).code, Errc::corrupt);
}

TEST(Qwen2Config, RefusesWhatItWouldComputeWrongly) {
  EXPECT_THAT(
      refusal(with("architectures", UniqueJson::array({"Qwen2Model"}))).message,
      HasSubstr("architectures is [\"Qwen2Model\"]"));
  EXPECT_THAT(refusal(with("quantization_config", {{"bits", 4}})).message,
              HasSubstr("quantization_config"));
  EXPECT_THAT(refusal(with("torch_dtype", "float64")).message,
              HasSubstr("torch_dtype is \"float64\""));
  EXPECT_THAT(refusal(with("dtype", "int8")).message, HasSubstr("dtype is"));
  EXPECT_THAT(refusal(with("partial_rotary_factor", 0.5)).message,
              HasSubstr("partial_rotary_factor"));
  auto json = five();
  json["layer_types"][23] = "sliding_attention";
  EXPECT_THAT(refusal(json).message, HasSubstr("layer_types is"));
}

// -- files
// ---------------------------------------------------------------------

class ConfigFiles : public ::testing::Test {
 protected:
  void add(const std::string& name, std::string_view bytes) {
    write_bytes(dir_ / name, bytes);
  }

  platform::TempDir dir_;
};

TEST_F(ConfigFiles, ConfigIsReadFromTheFolder) {
  EXPECT_EQ(load_qwen2_config(dir_.path()).error().code, Errc::not_found);
  add("config.json", hub().dump());
  EXPECT_TRUE(load_qwen2_config(dir_.path()));
  add("config.json", "[]");
  EXPECT_THAT(load_qwen2_config(dir_.path()).error().message,
              HasSubstr("config.json: is no JSON object"));
  add("config.json", "{\"a\":1,\"a\":2}");
  const auto twice = load_qwen2_config(dir_.path());
  EXPECT_EQ(twice.error().code, Errc::corrupt);
  EXPECT_THAT(twice.error().message, HasSubstr("'a' is there twice"));
}

TEST_F(ConfigFiles, GenerationConfigMayBeMissing) {
  const auto none = load_generation_config(dir_.path());
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->eos.empty());
  EXPECT_FALSE(none->temperature);
}

TEST_F(ConfigFiles, GenerationConfigIsReadAsTheHubHasIt) {
  add("generation_config.json", R"({"bos_token_id": 151643,
    "pad_token_id": 151643, "do_sample": true,
    "eos_token_id": [151645, 151643], "repetition_penalty": 1.1,
    "frequency_penalty": 0.5, "temperature": 0.7, "top_p": 0.8, "top_k": 20})");
  const auto config = load_generation_config(dir_.path());
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_THAT(config->eos, ElementsAre(151645, 151643));
  EXPECT_EQ(config->do_sample, true);
  EXPECT_EQ(config->repetition_penalty, 1.1);
  EXPECT_EQ(config->frequency_penalty, 0.5);
  EXPECT_EQ(config->temperature, 0.7);
  EXPECT_EQ(config->top_p, 0.8);
  EXPECT_EQ(config->top_k, 20);
}

TEST_F(ConfigFiles, GenerationConfigNamesEveryFault) {
  add("generation_config.json", R"({"eos_token_id": "x", "do_sample": 1,
    "repetition_penalty": 0, "frequency_penalty": 2.5, "temperature": -1, "top_p": 2, "top_k": 0.5})");
  const auto config = load_generation_config(dir_.path());
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code, Errc::corrupt);
  EXPECT_THAT(paths(config.error()),
              ElementsAre("eos_token_id", "do_sample", "temperature", "top_p",
                          "top_k", "repetition_penalty", "frequency_penalty"));
}

}  // namespace
}  // namespace troupe
