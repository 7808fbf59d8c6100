// What the shim's devices do that a real one does too late, or not at all: a
// step that would not replay, a pointer into the program's memory, and what a
// model takes of them. For the shim alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernels/rms_norm.hpp"
#include "kernels/sampling.hpp"
#include "models/qwen2/plan.hpp"
#include "models/token_sampler.hpp"
#include "tests/cuda_models/opened_device.hpp"
#include "tests/cuda_shim/shim/runtime.hpp"
#include "tests/models/qwen2_golden.hpp"

namespace troupe {
namespace {

using kernels::WeightFormat;
using ::testing::HasSubstr;

TEST(CudaDevices, ThatAreNotThereAreSaidNotToBe) {
  cuda_shim::set_devices({.count = 0});
  const auto none = OpenCudaDevice::open(0, 0);
  cuda_shim::set_devices({.count = 1, .sm = 75});
  const auto old = OpenCudaDevice::open(0, 0);
  cuda_shim::set_devices({.bytes = 1000});
  const auto small = OpenCudaDevice::open(0, 1001);
  cuda_shim::set_devices({});
  ASSERT_FALSE(none || old || small);
  EXPECT_EQ(none.error().code, Errc::not_found);
  EXPECT_EQ(old.error().code, Errc::unsupported);
  EXPECT_EQ(small.error().code, Errc::out_of_memory);
  EXPECT_THAT(small.error().message, HasSubstr("no 1001 bytes of memory"));
  EXPECT_EQ(cuda_shim::device_bytes_in_use(), 0u);
}

class ShimDevice : public ::testing::Test {
 protected:
  void SetUp() override {
    auto arena = Arena::allocate(ctx_, 1024);
    ASSERT_TRUE(arena);
    arena_ = std::move(*arena);
    floats_ = arena_.take<float>(64);
    const std::vector<float> values(64, 2.f);
    ASSERT_TRUE(kernels::copy_in(ctx_, floats_, values.data(), 256));
  }
  Status double_them() {
    return kernels::rms_norm(ctx_, {.y = matrix_ref(floats_, 1, 64),
                                    .x = matrix_ref(floats_, 1, 64),
                                    .w = vector_ref(floats_, 64),
                                    .eps = 1e-6f});
  }

  OpenedDevice device_;
  Context& ctx_ = device_.context();
  Arena arena_;
  float* floats_ = nullptr;
};

TEST_F(ShimDevice, DoesNothingBeforeItIsWaitedFor) {
  std::vector<float> values(64, 7.f);
  ASSERT_TRUE(kernels::copy_out(ctx_, values.data(), floats_, 256));
  EXPECT_EQ(values[0], 7.f);
  ASSERT_TRUE(kernels::wait(ctx_));
  EXPECT_EQ(values[0], 2.f);
}

TEST_F(ShimDevice, ReplaysARecordedStepOnWhatLiesThereThen) {
  ASSERT_TRUE(ctx_.graphs->begin());
  ASSERT_TRUE(double_them());
  const auto graph = ctx_.graphs->end();
  ASSERT_TRUE(graph);
  EXPECT_EQ(device_.read(floats_, 64)[0], 2.f);  // It did not run.
  std::vector<float> other(64, 3.f);
  ASSERT_TRUE(kernels::copy_in(ctx_, floats_, other.data(), 256));
  ASSERT_TRUE((*graph)->launch());
  EXPECT_NEAR(device_.read(floats_, 64)[0], 3.f, 1e-5f);
}

TEST_F(ShimDevice, RefusesARecordingThatWouldDependOnTheProgram) {
  float value = 1;
  ASSERT_TRUE(ctx_.graphs->begin());
  EXPECT_FALSE(kernels::copy_in(ctx_, floats_, &value, 4));
  const auto copied = ctx_.graphs->end();
  ASSERT_FALSE(copied);
  EXPECT_THAT(copied.error().message,
              HasSubstr("memory of the program was copied"));
  ASSERT_TRUE(ctx_.graphs->begin());
  EXPECT_FALSE(Arena::allocate(ctx_, 64));
  EXPECT_FALSE(ctx_.graphs->end());
  ASSERT_TRUE(ctx_.graphs->begin());
  EXPECT_FALSE(kernels::wait(ctx_));
  EXPECT_FALSE(ctx_.graphs->end());
  EXPECT_EQ(device_.read(floats_, 1)[0], 2.f);  // And goes on.
}

TEST_F(ShimDevice, RefusesToLookIntoTheProgramsMemory) {
  int any = 0;
  if (!cuda_shim::clear_padding(any))
    GTEST_SKIP() << "arguments are looked at where the compiler can clear what "
                    "lies between their members";
  const std::vector<float> mine(64, 1.f);
  const auto ran = kernels::rms_norm(ctx_, {.y = matrix_ref(floats_, 1, 64),
                                            .x = matrix_ref(mine.data(), 1, 64),
                                            .w = vector_ref(floats_, 64),
                                            .eps = 1e-6f});
  ASSERT_FALSE(ran);
  EXPECT_THAT(ran.error().message,
              HasSubstr("rms_norm: an argument points to memory of the"));
  const auto* pointer = mine.data();
  EXPECT_FALSE(kernels::copy_in(ctx_, floats_, &pointer, sizeof(pointer)));
}

// What the kernels read beside the rows themselves.
TEST_F(ShimDevice, GetsTheListsOfARowThatIsSampled) {
  auto sampler = TokenSampler::make(ctx_, {.rows = 2, .listed = 3});
  ASSERT_TRUE(sampler);
  const std::vector<kernels::SeenToken> seen{{.id = 5}, {.id = 9}};
  const std::vector<kernels::TokenBias> biases{{.id = 6, .bias = 1.f}};
  const kernels::SamplingRow rows[] = {
      {.temperature = 0,
       .repetition_penalty = 2,
       .seen = seen.data(),
       .seen_count = 2},
      {.temperature = 0, .biases = biases.data(), .bias_count = 1}};
  std::vector<float> logits(64);
  logits[5] = logits[32 + 5] = 3;
  logits[7] = logits[32 + 6] = 2.5f;
  ASSERT_TRUE(kernels::copy_in(ctx_, floats_, logits.data(), 256));
  std::vector<TokenId> tokens(2);
  const auto all = matrix_ref(floats_, 2, 32);
  ASSERT_TRUE(sampler->sample(rows, all, 30, tokens));
  EXPECT_EQ(tokens, (std::vector<TokenId>{7, 6}));
  const std::vector<kernels::SeenToken> many(7);
  const kernels::SamplingRow listed[] = {{.seen = many.data(), .seen_count = 7},
                                         {}};
  const auto refused = sampler->sample(listed, all, 30, tokens);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::too_large);
}

std::uint64_t total(const Qwen2Plan& plan) {
  std::uint64_t bytes = 0;
  for (const auto& component : plan.components) bytes += component.bytes;
  return bytes;
}

TEST(CudaQwen2Plan, SaysWhatTheModelTakesWithinFivePercent) {
  for (const auto format : {WeightFormat::f32, WeightFormat::int4}) {
    OpenedDevice device;
    auto& ctx = device.context();
    const GoldenQwen2 model{"gqa_tied", format, ctx};
    // As it is planned where no device is open.
    Context planned;
    planned.device = ctx.device;
    const auto plan = plan_qwen2(planned, model.weights.config, format);
    ASSERT_TRUE(plan) << plan.error().message;
    EXPECT_EQ(plan->cache.dtype,
              format == WeightFormat::f32 ? DType::f32 : DType::bf16);
    auto cache = KvCache::make(plan->cache, ctx);
    auto forward = Qwen2Forward::make(ctx, model.weights, plan->limits);
    auto sampler = TokenSampler::make(ctx, plan->sampling);
    ASSERT_TRUE(cache && forward && sampler);
    const auto taken = static_cast<double>(cuda_shim::device_bytes_in_use());
    EXPECT_NEAR(static_cast<double>(total(*plan)) / taken, 1, 0.05)
        << to_string(format);
    // The longest of both kinds of steps has its scratch.
    std::vector<StepRow> decoded;
    for (int i = 0; i < 16; ++i)
      decoded.push_back(
          {.token = i, .sequence = *cache->open(1), .wants_logits = true});
    EXPECT_TRUE(forward->step(decoded, *cache));
    EXPECT_TRUE(kernels::wait(ctx));
    EXPECT_EQ(static_cast<double>(cuda_shim::device_bytes_in_use()), taken);
  }
}

}  // namespace
}  // namespace troupe
