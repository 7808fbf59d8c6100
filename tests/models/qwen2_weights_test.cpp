#include "models/qwen2/weights.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/qwen2/weight_loader.hpp"
#include "tests/models/tiny_qwen2.hpp"
#include "tests/platform/temp_dir.hpp"

namespace troupe {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class Qwen2WeightsTest : public ::testing::Test {
 protected:
  // What opening says, or "opened".
  Error refusal() {
    tiny_.write(dir_.path());
    const auto loader = Qwen2WeightLoader::open(dir_.path());
    return loader ? Error{Errc::internal, "opened"} : loader.error();
  }
  Result<Qwen2Weights> load() {
    auto loader = Qwen2WeightLoader::open(dir_.path());
    if (!loader) return loader.error();
    for (;;) {
      const auto progress = loader->step();
      if (!progress) return progress.error();
      if (progress->done()) return loader->take();
    }
  }
  static float stored(const TinyTensor& tensor, std::int64_t row,
                      std::int64_t column) {
    return tensor
        .values[static_cast<std::size_t>(row * tensor.shape[1] + column)];
  }

  platform::TempDir dir_;
  TinyQwen2 tiny_;
};

TEST_F(Qwen2WeightsTest, LoadsEveryTensorToItsPlace) {
  tiny_.write(dir_.path());
  const auto weights = load();
  ASSERT_TRUE(weights) << weights.error().message;
  const auto& t = tiny_.tensors;
  const auto& layer = weights->layers.at(0);
  const std::pair<const char*, kernels::PackedWeight> packed[] = {
      {"self_attn.q_proj", layer.q}, {"self_attn.k_proj", layer.k},
      {"self_attn.v_proj", layer.v}, {"self_attn.o_proj", layer.o},
      {"mlp.gate_proj", layer.gate}, {"mlp.up_proj", layer.up},
      {"mlp.down_proj", layer.down}};
  for (const auto& [name, weight] : packed) {
    const auto& tensor =
        t.at("model.layers.0." + std::string(name) + ".weight");
    EXPECT_EQ(kernels::packed_at(weight, 0, 1), stored(tensor, 0, 1)) << name;
    EXPECT_EQ(kernels::packed_at(weight, 31, 30), stored(tensor, 31, 30))
        << name;
  }
  const std::pair<const char*, const float*> plain[] = {
      {"model.norm.weight", weights->norm},
      {"model.layers.0.input_layernorm.weight", layer.input_norm},
      {"model.layers.0.post_attention_layernorm.weight", layer.mlp_norm},
      {"model.layers.0.self_attn.q_proj.bias", layer.q_bias},
      {"model.layers.0.self_attn.k_proj.bias", layer.k_bias},
      {"model.layers.0.self_attn.v_proj.bias", layer.v_bias}};
  for (const auto& [name, values] : plain)
    EXPECT_EQ(std::vector<float>(values, values + 64), t.at(name).values)
        << name;
  EXPECT_EQ(kernels::packed_at(weights->embedding, 15, 63),
            stored(t.at("model.embed_tokens.weight"), 15, 63));
  EXPECT_EQ(weights->head.data, weights->embedding.data);
  EXPECT_EQ(weights->memory.used(),
            qwen2_weight_bytes(weights->config, weights->format));
}

TEST_F(Qwen2WeightsTest, LoadsInStepsOfAtMostTheBytesAsked) {
  tiny_.write(dir_.path());
  const auto whole = load();
  auto loader = Qwen2WeightLoader::open(dir_.path());
  ASSERT_TRUE(whole && loader);
  std::uint64_t loaded = 0;
  for (bool done = false; !done;) {
    const auto progress = loader->step(1000);
    ASSERT_TRUE(progress);
    EXPECT_GT(progress->loaded_bytes, loaded);
    EXPECT_LE(progress->loaded_bytes - loaded, 1000u);
    EXPECT_EQ(progress->total_bytes,
              std::filesystem::file_size(dir_ / "model.safetensors") -
                  tiny_.header_bytes());
    loaded = progress->loaded_bytes;
    done = progress->done();
  }
  const auto pieces = loader->take();
  const auto& a = whole->layers[0];
  const auto& b = pieces.layers[0];
  for (std::int64_t row = 0; row < 64; ++row)
    for (std::int64_t k = 0; k < 32; ++k)
      ASSERT_EQ(kernels::packed_at(a.down, row, k),
                kernels::packed_at(b.down, row, k));
  EXPECT_EQ(std::vector<float>(pieces.norm, pieces.norm + 64),
            std::vector<float>(whole->norm, whole->norm + 64));
}

TEST_F(Qwen2WeightsTest, LoadsShards) {
  tiny_.write(dir_.path());
  std::filesystem::remove(dir_ / "model.safetensors");
  Json map = Json::object();
  std::size_t i = 0;
  for (const auto& [name, tensor] : tiny_.tensors)
    map[name] = i++ < 5 ? "b.safetensors" : "a.safetensors";
  write_bytes(dir_ / "model.safetensors.index.json",
              Json{{"weight_map", map}}.dump());
  write_bytes(dir_ / "b.safetensors", tiny_.file(0, 5));
  write_bytes(dir_ / "a.safetensors", tiny_.file(5));
  const auto weights = load();
  ASSERT_TRUE(weights) << weights.error().message;
  EXPECT_EQ(weights->norm[63],
            tiny_.tensors.at("model.norm.weight").values[63]);
  std::filesystem::remove(dir_ / "a.safetensors");
  const auto missing = load();
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Errc::not_found);
  EXPECT_THAT(missing.error().message, HasSubstr("a.safetensors"));
}

TEST_F(Qwen2WeightsTest, LoadsAHeadOfItsOwn) {
  tiny_.config["tie_word_embeddings"] = false;
  EXPECT_THAT(refusal().message, HasSubstr("tensor lm_head.weight is missing"));
  tiny_.add("lm_head.weight", {16, 64});
  tiny_.write(dir_.path());
  const auto weights = load();
  ASSERT_TRUE(weights) << weights.error().message;
  EXPECT_NE(weights->head.data, weights->embedding.data);
  EXPECT_EQ(kernels::packed_at(weights->head, 7, 5),
            stored(tiny_.tensors.at("lm_head.weight"), 7, 5));
}

TEST_F(Qwen2WeightsTest, TakesATiedHeadOnlyIfItIsTheEmbedding) {
  tiny_.tensors["lm_head.weight"] =
      tiny_.tensors.at("model.embed_tokens.weight");
  tiny_.write(dir_.path());
  const auto equal = load();
  ASSERT_TRUE(equal) << equal.error().message;
  EXPECT_EQ(equal->head.data, equal->embedding.data);
  tiny_.tensors["lm_head.weight"].values.back() += 1;
  tiny_.write(dir_.path());
  const auto other = load();
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Errc::corrupt);
  EXPECT_THAT(other.error().message,
              AllOf(HasSubstr("model.safetensors: tensor lm_head.weight"),
                    HasSubstr("differs from the embedding")));
}

TEST_F(Qwen2WeightsTest, NamesEveryTensorThatIsWrong) {
  tiny_.tensors.erase("model.norm.weight");
  tiny_.add("model.layers.0.mlp.up_proj.weight", {64, 32});
  tiny_.add("model.layers.0.self_attn.o_proj.bias", {64});
  const auto error = refusal();
  EXPECT_EQ(error.code, Errc::corrupt);
  EXPECT_THAT(error.message, AllOf(HasSubstr(dir_.path().string()),
                                   HasSubstr("(and 2 more)")));
  ASSERT_EQ(error.faults.size(), 3u);
  EXPECT_EQ(error.faults[0], (Fault{"model.layers.0.mlp.up_proj.weight",
                                    "is [64, 32]; config.json says [32, 64]"}));
  EXPECT_EQ(error.faults[1], (Fault{"model.norm.weight", "is missing"}));
  EXPECT_EQ(error.faults[2],
            (Fault{"model.layers.0.self_attn.o_proj.bias",
                   "is a tensor that this family does not know"}));
}

TEST_F(Qwen2WeightsTest, ShowsNoMoreFaultsThanTheLimit) {
  tiny_.config["num_hidden_layers"] = 4;
  const auto error = refusal();
  EXPECT_EQ(error.faults.size(), kMaxLoadFaults);
  EXPECT_THAT(error.message, HasSubstr("(and 35 more)"));
}

TEST_F(Qwen2WeightsTest, RefusesWeightsThatAreNoFloats) {
  auto& norm = tiny_.tensors.at("model.norm.weight");
  norm.dtype = "I32";
  const auto error = refusal();
  EXPECT_EQ(error.code, Errc::unsupported);
  EXPECT_THAT(error.message, HasSubstr("model.norm.weight is I32"));
}

TEST_F(Qwen2WeightsTest, PassesOverRotaryTables) {
  tiny_.add("model.layers.0.self_attn.rotary_emb.inv_freq", {32});
  EXPECT_EQ(refusal().message, "opened");
}

TEST_F(Qwen2WeightsTest, TellsOfAFileCutWhileItIsLoaded) {
  tiny_.write(dir_.path());
  auto loader = Qwen2WeightLoader::open(dir_.path());
  ASSERT_TRUE(loader);
  const auto path = dir_ / "model.safetensors";
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  const auto step = loader->step();
  ASSERT_FALSE(step);
  EXPECT_EQ(step.error().code, Errc::corrupt);
  EXPECT_THAT(step.error().message,
              HasSubstr("became shorter since it was opened"));
}

TEST_F(Qwen2WeightsTest, SaysTheFaultOfTheConfigFirst) {
  tiny_.config["hidden_act"] = "gelu";
  EXPECT_THAT(refusal().message, HasSubstr("config.json: hidden_act"));
}

}  // namespace
}  // namespace troupe
