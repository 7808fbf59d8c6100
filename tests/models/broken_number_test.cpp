// Weights that hold numbers which are not finite: refused by file, tensor and
// element wherever they are packed, and nothing is left of them.
#include "models/weights/broken_number.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "kernels/numbers.hpp"
#include "models/quantize.hpp"
#include "models/qwen2/weight_loader.hpp"
#include "tests/models/tiny_qwen2.hpp"
#include "tests/platform/temp_dir.hpp"

namespace troupe {
namespace {

using kernels::WeightFormat;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
namespace fs = std::filesystem;

constexpr WeightFormat kAllFormats[] = {WeightFormat::f32, WeightFormat::bf16,
                                        WeightFormat::int8, WeightFormat::int4};

class BrokenNumberTest : public ::testing::Test {
 protected:
  BrokenNumberTest() { fs::create_directories(source_.folder); }

  float& number(const std::string& tensor, std::size_t element) {
    return tiny_.tensors.at(tensor).values.at(element);
  }
  // As the file has them from then on; two share the room of a float.
  void store_as_bf16() {
    for (auto& [name, tensor] : tiny_.tensors) {
      std::vector<std::uint16_t> halves(tensor.values.size());
      f32_to_bf16(tensor.values, halves);
      tensor.dtype = "BF16";
      tensor.values.resize(halves.size() / 2);
      std::memcpy(tensor.values.data(), halves.data(), halves.size() * 2);
    }
  }
  Status load(WeightFormat format,
              std::uint64_t step_bytes = kMaxLoadStepBytes) {
    tiny_.write(source_.folder);
    auto loader = Qwen2WeightLoader::open(source_, format, ctx_);
    if (!loader) return loader.error();
    for (;;) {
      const auto progress = loader->step(step_bytes);
      if (!progress) return progress.error();
      if (progress->done()) return ok();
    }
  }
  std::string file() const {
    return (source_.folder / "model.safetensors").string();
  }

  ThreadTeam team_{2};
  Context ctx_{.team = &team_};
  platform::TempDir models_;
  const ModelSource source_{models_ / "tiny", models_ / ".packed"};
  TinyQwen2 tiny_;
};

TEST_F(BrokenNumberTest, OfAnyTensorIsNamedByTheLoad) {
  const std::tuple<const char*, std::size_t, float, const char*> broken[] = {
      {"model.embed_tokens.weight", 0, NAN, "0 is nan"},
      {"model.layers.0.mlp.down_proj.weight", 2047, INFINITY, "2047 is inf"},
      {"model.layers.0.self_attn.q_proj.weight", 1000, -INFINITY,
       "1000 is -inf"},
      {"model.layers.0.self_attn.k_proj.bias", 63, NAN, "63 is nan"},
      {"model.norm.weight", 5, INFINITY, "5 is inf"}};
  for (const auto format : kAllFormats) {
    EXPECT_TRUE(load(format));
    for (const auto& [tensor, element, value, text] : broken) {
      const auto good = std::exchange(number(tensor, element), value);
      for (const auto step_bytes : {kMaxLoadStepBytes, std::uint64_t{1'000}}) {
        const auto loaded = load(format, step_bytes);
        ASSERT_FALSE(loaded) << to_string(format) << " " << text;
        EXPECT_EQ(loaded.error().code, Errc::corrupt);
        EXPECT_THAT(
            loaded.error().message,
            HasSubstr(file() + ": tensor " + tensor + ": element " + text +
                      ", no finite number; fetch the file "
                      "again"));
        EXPECT_THAT(loaded.error().message, HasSubstr("troupe models check " +
                                                      source_.folder.string()));
      }
      number(tensor, element) = good;
    }
  }
}

TEST_F(BrokenNumberTest, StoredAsBf16IsNamedInEveryFormat) {
  const std::string tensor = "model.layers.0.mlp.up_proj.weight";
  number(tensor, 1'999) = -INFINITY;
  store_as_bf16();
  for (const auto format : kAllFormats) {
    const auto loaded = load(format, 1'000);
    ASSERT_FALSE(loaded) << to_string(format);
    EXPECT_THAT(loaded.error().message,
                HasSubstr(tensor + ": element 1999 is -inf"));
  }
}

TEST_F(BrokenNumberTest, IsNotPackedAndNothingIsLeft) {
  number("model.layers.0.mlp.down_proj.weight", 70) = NAN;
  tiny_.write(source_.folder);
  for (const auto format :
       {WeightFormat::bf16, WeightFormat::int8, WeightFormat::int4}) {
    const auto packed = quantize_model(source_, format, ctx_, {});
    ASSERT_FALSE(packed) << to_string(format);
    EXPECT_EQ(packed.error().code, Errc::corrupt);
    EXPECT_THAT(packed.error().message,
                HasSubstr(file() + ": tensor model.layers.0.mlp.down_proj."
                                   "weight: element 70 is nan"));
    EXPECT_THAT(packed_copies(source_), IsEmpty());
  }
  std::vector<std::string> left;
  for (const auto& entry : fs::recursive_directory_iterator{models_.path()})
    if (entry.is_regular_file()) left.push_back(entry.path().filename());
  EXPECT_THAT(left, ::testing::UnorderedElementsAre("config.json",
                                                    "model.safetensors"));
  number("model.layers.0.mlp.down_proj.weight", 70) = 0;
  tiny_.write(source_.folder);
  EXPECT_TRUE(quantize_model(source_, WeightFormat::int8, ctx_, {}));
}

TEST_F(BrokenNumberTest, ThatOnlyTheFormatCannotHoldIsToldAsSuch) {
  number("model.layers.0.mlp.down_proj.weight", 70) = -1e6f;
  EXPECT_TRUE(load(WeightFormat::int8));
  const auto loaded = load(WeightFormat::int4);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, Errc::unsupported);
  EXPECT_THAT(loaded.error().message,
              HasSubstr("down_proj.weight: element 70 is -1e+06, beyond what "
                        "int4 holds; use the model with dtype=f32"));
}

TEST_F(BrokenNumberTest, OfATiedHeadIsNotTakenForAnotherHead) {
  tiny_.tensors["lm_head.weight"] =
      tiny_.tensors.at("model.embed_tokens.weight");
  number("lm_head.weight", 17) = NAN;
  const auto loaded = load(WeightFormat::f32);
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().message,
              HasSubstr("lm_head.weight: element 17 is nan"));
}

TEST(FirstNotFinite, IsNoneOfFiniteNumbers) {
  const float most = std::numeric_limits<float>::max();
  EXPECT_EQ(first_not_finite({}), std::nullopt);
  EXPECT_EQ(first_not_finite(std::vector{most, -most, 0.f}), std::nullopt);
  EXPECT_EQ(first_not_finite(std::vector{0.f, NAN, INFINITY}), 1);
}

}  // namespace
}  // namespace troupe
