// A model's weights on a device: what lies there is what the program would
// have packed into its own memory in the device's layout.
#include "models/qwen2/weight_loader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/qwen2/packed_weights.hpp"
#include "tests/cuda_models/opened_device.hpp"
#include "tests/models/tiny_qwen2.hpp"
#include "tests/platform/temp_dir.hpp"

namespace troupe {
namespace {

using kernels::WeightFormat;
using ::testing::HasSubstr;

constexpr WeightFormat kFormats[] = {WeightFormat::f32, WeightFormat::bf16,
                                     WeightFormat::int8, WeightFormat::int4};

Result<Qwen2Weights> load(const std::filesystem::path& dir, WeightFormat format,
                          const Context& ctx, std::uint64_t step_bytes) {
  auto loader = Qwen2WeightLoader::open(dir, format, ctx);
  if (!loader) return loader.error();
  for (;;) {
    const auto progress = loader->step(step_bytes);
    if (!progress) return progress.error();
    if (progress->done()) return loader->take();
  }
}

std::vector<std::byte> bytes_at(OpenedDevice& device, const void* at,
                                std::size_t bytes) {
  return device.read(static_cast<const std::byte*>(at), bytes);
}

std::vector<std::byte> bytes_here(const void* at, std::size_t bytes) {
  const auto* first = static_cast<const std::byte*>(at);
  return {first, first + bytes};
}

// Outputs that no panel ends with, inputs that no row ends with.
TinyQwen2 uneven_model() {
  TinyQwen2 model;
  const std::string mlp = "model.layers.0.mlp.";
  model.config["vocab_size"] = 45;
  model.config["intermediate_size"] = 37;
  model.add("model.embed_tokens.weight", {45, 64});
  model.add(mlp + "gate_proj.weight", {37, 64});
  model.add(mlp + "up_proj.weight", {37, 64});
  model.add(mlp + "down_proj.weight", {64, 37});
  return model;
}

TEST(CudaQwen2Weights, LieAsTheDeviceWantsThem) {
  platform::TempDir dir;
  uneven_model().write(dir.path());
  OpenedDevice device;
  Context here;  // The same layout in the program's memory.
  here.device = device.context().device;
  for (const auto format : kFormats)
    for (const std::uint64_t step_bytes : {1u, 3'000u, 1u << 20}) {
      const auto there = load(dir.path(), format, device.context(), step_bytes);
      const auto expected = load(dir.path(), format, here, 1 << 20);
      ASSERT_TRUE(there && expected);
      const auto compare = [&](const kernels::PackedWeight& a,
                               const kernels::PackedWeight& b,
                               const char* which) {
        EXPECT_EQ(a.layout, kernels::layout_on(here.device, a.format));
        const auto bytes =
            kernels::packed_bytes(a.format, a.outputs, a.inputs, a.layout);
        EXPECT_EQ(bytes_at(device, a.data, bytes), bytes_here(b.data, bytes))
            << which << ", " << to_string(format) << ", steps of "
            << step_bytes;
      };
      const auto& layer = there->layers[0];
      const auto& other = expected->layers[0];
      compare(there->embedding, expected->embedding, "embedding");
      compare(layer.q, other.q, "q");
      compare(layer.gate, other.gate, "gate");
      compare(layer.down, other.down, "down");
      EXPECT_EQ(bytes_at(device, layer.k_bias, 64 * 4),
                bytes_here(other.k_bias, 64 * 4));
      EXPECT_EQ(bytes_at(device, there->norm, 64 * 4),
                bytes_here(expected->norm, 64 * 4));
    }
}

TEST(CudaQwen2Weights, OfCodesAreTakenAsTheyWerePacked) {
  platform::TempDir dir;
  const ModelSource source{dir / "tiny", dir / ".packed"};
  std::filesystem::create_directories(source.folder);
  uneven_model().write(source.folder);
  OpenedDevice device;
  for (const auto format : {WeightFormat::int8, WeightFormat::int4}) {
    const auto expected = load(source.folder, format, {}, 1 << 20);
    ASSERT_TRUE(pack_qwen2(source, format, {}, {}));
    auto loader = Qwen2WeightLoader::open(source, format, device.context());
    ASSERT_TRUE(loader && expected);
    const auto progress = loader->step();
    ASSERT_TRUE(progress && progress->done());
    EXPECT_EQ(progress->total_bytes, expected->memory.used());
    const auto there = loader->take();
    EXPECT_EQ(bytes_at(device, there.memory.data(), there.memory.used()),
              bytes_here(expected->memory.data(), expected->memory.used()));
  }
}

TEST(CudaQwen2Weights, HoldAStoredHeadToTheEmbeddingItIsTiedTo) {
  platform::TempDir dir;
  auto model = uneven_model();
  model.tensors["lm_head.weight"] = model.tensors["model.embed_tokens.weight"];
  model.write(dir.path());
  OpenedDevice device;
  for (const auto format : kFormats)
    EXPECT_TRUE(load(dir.path(), format, device.context(), 3'000));
  model.tensors["lm_head.weight"].values[40 * 64] += 1;
  model.write(dir.path());
  const auto differs =
      load(dir.path(), WeightFormat::int8, device.context(), 3'000);
  ASSERT_FALSE(differs);
  EXPECT_THAT(differs.error().message, HasSubstr("differs from the embedding"));
}

}  // namespace
}  // namespace troupe
