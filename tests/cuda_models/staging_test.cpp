// The way of weights into a device's memory, through buffers that the device
// reads while the program goes on. For the shim alone, where a copy from such a
// buffer takes what lies there when it is done.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <fstream>

#include "models/qwen2/packed_weights.hpp"
#include "models/qwen2/weight_loader.hpp"
#include "tests/cuda_models/opened_device.hpp"
#include "tests/cuda_shim/shim/runtime.hpp"
#include "tests/models/tiny_qwen2.hpp"
#include "tests/platform/temp_dir.hpp"

namespace troupe {
namespace {

using kernels::WeightFormat;
using ::testing::HasSubstr;

class StagedWeights : public ::testing::Test {
 protected:
  StagedWeights() : source_{dir_ / "tiny", dir_ / ".packed"} {
    std::filesystem::create_directories(source_.folder);
  }
  void TearDown() override { cuda_shim::set_devices({}); }

  Result<Qwen2WeightLoader> open(const Context& ctx) {
    return Qwen2WeightLoader::open(source_, format_, ctx);
  }
  // With a table of `rows` times 64.
  void write_model(std::int64_t rows) const {
    TinyQwen2 model;
    model.config["vocab_size"] = rows;
    auto& table = model.tensors["model.embed_tokens.weight"];
    table.shape = {rows, 64};
    table.values.resize(rows * 64);
    for (std::size_t i = 0; i < table.values.size(); ++i)
      table.values[i] = static_cast<float>(i % 65'537);
    model.write(source_.folder);
  }
  static Result<Qwen2Weights> all_of(
      Qwen2WeightLoader& loader, std::uint64_t step_bytes = kMaxLoadStepBytes) {
    for (;;) {
      const auto progress = loader.step(step_bytes);
      if (!progress) return progress.error();
      if (progress->done()) return loader.take();
    }
  }
  void expect_right(OpenedDevice& device, const Qwen2Weights& there) {
    Context here;  // The same layout in the program's memory.
    here.device = device.context().device;
    auto loader = open(here);
    ASSERT_TRUE(loader);
    const auto expected = all_of(*loader);
    ASSERT_TRUE(expected);
    const auto bytes =
        kernels::packed_bytes(there.embedding.format, there.embedding.outputs,
                              64, there.embedding.layout);
    const auto* table = static_cast<const std::byte*>(expected->embedding.data);
    const auto brought =
        device.read(static_cast<const std::byte*>(there.embedding.data), bytes);
    EXPECT_TRUE(std::equal(brought.begin(), brought.end(), table));
    EXPECT_EQ(device.read(there.norm, 64),
              (std::vector<float>{expected->norm, expected->norm + 64}));
    EXPECT_EQ(device.read(there.layers[0].q_bias, 64),
              (std::vector<float>{expected->layers[0].q_bias,
                                  expected->layers[0].q_bias + 64}));
  }

  platform::TempDir dir_;
  ModelSource source_;
  WeightFormat format_ = WeightFormat::f32;
};

TEST(Staging, GivesABufferAgainOnceWhatWasSentFromItArrived) {
  OpenedDevice device;
  auto& ctx = device.context();
  auto arena = Arena::allocate(ctx, kArenaAlignment);
  const auto staging = ctx.memory->staging();
  ASSERT_TRUE(arena && staging);
  auto* const there = arena->take_bytes(5);
  std::array<std::byte*, 5> at{};
  for (std::size_t i = 0; i < at.size(); ++i) {
    const auto buffer = (*staging)->next();
    ASSERT_TRUE(buffer);
    EXPECT_EQ(buffer->size(), kStagingBytes);
    at[i] = buffer->data();
    *at[i] = std::byte{static_cast<unsigned char>(i + 1)};
    ASSERT_TRUE((*staging)->send(there + i, buffer->first(1)));
  }
  EXPECT_NE(at[0], at[1]);
  EXPECT_EQ(at[0], at[2]);
  EXPECT_EQ(device.read(there, 5),
            (std::vector{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4},
                         std::byte{5}}));
}

// While one buffer is filled the other is on its way: nothing is waited for
// that need not be.
TEST(Staging, DoesNotWaitForWhatWasSentFromTheOtherBuffer) {
  OpenedDevice device;
  auto& ctx = device.context();
  auto arena = Arena::allocate(ctx, kArenaAlignment);
  const auto staging = ctx.memory->staging();
  ASSERT_TRUE(arena && staging);
  auto* const there = arena->take_bytes(1);
  const auto first = (*staging)->next();
  ASSERT_TRUE(first);
  first->front() = std::byte{1};
  ASSERT_TRUE((*staging)->send(there, first->first(1)));
  ASSERT_TRUE((*staging)->next());
  first->front() = std::byte{2};  // Not copied yet, so the copy sees this.
  EXPECT_EQ(device.read(there, 1).front(), std::byte{2});
}

TEST_F(StagedWeights, AreThereWhenTheyAreMoreThanABufferHolds) {
  write_model(kStagingBytes / (64 * sizeof(float)) + 40);
  OpenedDevice device;
  auto loader = open(device.context());
  ASSERT_TRUE(loader);
  const auto there = all_of(*loader);
  ASSERT_TRUE(there) << there.error().message;
  expect_right(device, *there);
}

TEST_F(StagedWeights, OfAPackedFileLieBlockBehindBlockWhateverTheSteps) {
  write_model(3 * kPackedBlockBytes / 64);
  format_ = WeightFormat::int8;
  ASSERT_TRUE(pack_qwen2(source_, format_, {}, {}));
  for (const auto step_bytes : {kMaxLoadStepBytes, kPackedBlockBytes}) {
    SCOPED_TRACE(step_bytes);
    OpenedDevice device;
    auto loader = open(device.context());
    ASSERT_TRUE(loader);
    const auto there = all_of(*loader, step_bytes);
    ASSERT_TRUE(there) << there.error().message;
    EXPECT_EQ(loader->remark(), "");
    expect_right(device, *there);
  }
}

TEST_F(StagedWeights, LeaveNothingWhenTheLoadEndsInTheMiddle) {
  TinyQwen2{}.write(source_.folder);
  {
    OpenedDevice device;
    {
      auto loader = open(device.context());
      ASSERT_TRUE(loader);
      for (int i = 0; i < 3; ++i) {
        const auto progress = loader->step(1'000);
        ASSERT_TRUE(progress && !progress->done());
      }
      EXPECT_GT(cuda_shim::device_bytes_in_use(), 0u);
    }
    EXPECT_EQ(cuda_shim::device_bytes_in_use(), 0u);
    EXPECT_EQ(cuda_shim::pinned_bytes_in_use(), 2 * kStagingBytes);
    auto again = open(device.context());
    ASSERT_TRUE(again);
    const auto there = all_of(*again, 1'000);
    ASSERT_TRUE(there);
    expect_right(device, *there);
    EXPECT_EQ(cuda_shim::pinned_bytes_in_use(), 2 * kStagingBytes);
  }
  EXPECT_EQ(cuda_shim::pinned_bytes_in_use(), 0u);
}

TEST_F(StagedWeights, AreRefusedWhereTheMachineHasNoMemoryForTheBuffers) {
  TinyQwen2{}.write(source_.folder);
  cuda_shim::set_devices({.pinned_bytes = kStagingBytes});
  OpenedDevice device;
  auto loader = open(device.context());
  ASSERT_TRUE(loader);
  const auto refused = loader->step();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::out_of_memory);
  EXPECT_THAT(refused.error().message,
              HasSubstr("of memory left for copies to the device"));
  EXPECT_EQ(cuda_shim::pinned_bytes_in_use(), 0u);
  cuda_shim::set_devices({});  // And a load after it is none the worse.
  auto again = open(device.context());
  ASSERT_TRUE(again);
  const auto there = all_of(*again);
  ASSERT_TRUE(there);
  expect_right(device, *there);
}

TEST_F(StagedWeights, ComeFromTheFolderWherePackedOnesAreDamaged) {
  TinyQwen2{}.write(source_.folder);
  format_ = WeightFormat::int8;
  const auto packed = pack_qwen2(source_, format_, {}, {});
  ASSERT_TRUE(packed);
  std::fstream{*packed, std::ios::in | std::ios::out}.seekp(100).put(0x55);
  OpenedDevice device;
  auto loader = open(device.context());
  ASSERT_TRUE(loader);
  const auto there = all_of(*loader, 1'000);
  ASSERT_TRUE(there);
  EXPECT_THAT(loader->remark(), HasSubstr("other bytes than were written"));
  std::filesystem::remove(*packed);
  expect_right(device, *there);
}

}  // namespace
}  // namespace troupe
