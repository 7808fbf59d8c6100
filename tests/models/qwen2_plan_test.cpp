// What a model will take, before a weight is read, and what it takes then.
#include "models/qwen2/plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include "tests/models/qwen2_golden.hpp"

namespace troupe {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;

std::uint64_t allocated_bytes() {
  const auto about = ::mallinfo2();
  return about.uordblks + about.hblkhd;
}

std::uint64_t total(const Qwen2Plan& plan) {
  std::uint64_t bytes = 0;
  for (const auto& component : plan.components) bytes += component.bytes;
  return bytes;
}

Qwen2Config seven_billion() {
  Qwen2Config c;
  c.vocabulary_rows = 152'064;
  c.hidden = 3584;
  c.intermediate = 18'944;
  c.layers = 28;
  c.heads = 28;
  c.kv_heads = 4;
  c.head_dim = 128;
  c.max_positions = 32'768;
  c.rms_norm_eps = 1e-6f;
  c.rope_theta = 1e6f;
  return c;
}

TEST(Qwen2Plan, NamesEachComponentAndAllocatesNone) {
  const auto before = allocated_bytes();
  const auto plan = plan_qwen2({}, seven_billion(), kernels::WeightFormat::f32);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_LT(allocated_bytes() - before, 1u << 20);
  EXPECT_THAT(plan->components, ElementsAre(Field(&Component::name, "weights"),
                                            Field(&Component::name, "kv"),
                                            Field(&Component::name, "step")));
  // 7.616 billion parameters in fp32.
  EXPECT_NEAR(static_cast<double>(plan->components[0].bytes), 4 * 7.616e9,
              4 * 0.01e9);
  // 28 layers of 4 heads of 128, keys and values.
  EXPECT_EQ(plan->components[1].bytes, 16'384u * 28 * 4 * 128 * 2 * 4);
}

TEST(Qwen2Plan, SaysWhatTheModelTakesWithinFivePercent) {
  if (allocated_bytes() == 0) GTEST_SKIP() << "this allocator does not count";
  using kernels::WeightFormat;
  const std::pair<const char*, WeightFormat> cases[] = {
      {"gqa_tied", WeightFormat::f32},
      {"mha_untied", WeightFormat::f32},
      {"mha_untied", WeightFormat::bf16},
      {"gqa_tied", WeightFormat::int8},
      {"mha_untied", WeightFormat::int4},
      {"head128_sharded", WeightFormat::f32}};
  for (const auto& [name, format] : cases) {
    const auto before = allocated_bytes();
    GoldenQwen2 model{name, format};
    Context ctx;
    const auto plan = plan_qwen2(ctx, model.weights.config, format);
    ASSERT_TRUE(plan) << plan.error().message;
    auto cache = KvCache::make(plan->cache);
    auto forward = Qwen2Forward::make(ctx, model.weights, plan->limits);
    ASSERT_TRUE(cache && forward);
    const auto sequence = cache->open(plan->limits.rows);
    ASSERT_TRUE(sequence);
    std::vector<StepRow> rows;
    for (std::int64_t i = 0; i < plan->limits.rows; ++i)
      rows.push_back({.token = 1,
                      .sequence = *sequence,
                      .position = static_cast<std::int32_t>(i),
                      .wants_logits = i < plan->limits.logits});
    ASSERT_TRUE(forward->step(rows, *cache));
    const auto taken = static_cast<double>(allocated_bytes() - before);
    EXPECT_NEAR(static_cast<double>(total(*plan)) / taken, 1, 0.05)
        << name << " " << to_string(format);
  }
}

TEST(Qwen2Plan, RefusesWhatAnOpWouldRefuse) {
  auto config = seven_billion();
  config.head_dim = 96;
  const auto plan = plan_qwen2({}, config, kernels::WeightFormat::f32);
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().code, Errc::invalid_argument);
  EXPECT_THAT(plan.error().message, HasSubstr("head size 96"));
}

TEST(Qwen2Plan, FitsTheCacheToAShortModel) {
  auto config = seven_billion();
  config.max_positions = 100;
  const auto plan = plan_qwen2({}, config, kernels::WeightFormat::f32);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->cache.max_sequence_pages, 7);
  EXPECT_EQ(plan->cache.pages, 7 * kEngineSequences);
  EXPECT_EQ(plan->limits.rows, 7 * kernels::kPageTokens);
}

std::int64_t pool_tokens(const Qwen2Config& config,
                         kernels::WeightFormat format) {
  const auto plan = plan_qwen2({}, config, format);
  return plan ? plan->cache.pages * kernels::kPageTokens : 0;
}

TEST(Qwen2Plan, SaysTheRoomOfItsCache) {
  auto config = seven_billion();
  config.max_positions = 100;
  const auto plan = plan_qwen2({}, config, kernels::WeightFormat::int8);
  ASSERT_TRUE(plan);
  EXPECT_EQ(qwen2_room(config).sequence, 100);
  EXPECT_EQ(qwen2_room(config).pages, plan->cache.pages);
  config.max_positions = kMaxPositions;
  EXPECT_EQ(qwen2_room(config).sequence, kPoolTokens);
}

TEST(Qwen2Plan, GivesATinyModelNoLargePool) {
  auto config = seven_billion();  // In the demo model's widths.
  config.vocabulary_rows = 2048;
  config.hidden = 192;
  config.intermediate = 384;
  config.layers = 4;
  config.heads = config.kv_heads = 3;
  config.head_dim = 64;
  config.max_positions = 2048;
  const auto plan = plan_qwen2({}, config, kernels::WeightFormat::bf16);
  ASSERT_TRUE(plan);
  EXPECT_LE(plan->components[1].bytes, kLeastPoolBytes);
  EXPECT_GT(plan->components[1].bytes, kLeastPoolBytes * 9 / 10);
  EXPECT_EQ(plan->cache.max_sequence_pages, 2048 / kernels::kPageTokens);
}

TEST(Qwen2Plan, GivesALargeModelNoMorePoolThanTheBound) {
  auto config = seven_billion();  // Of the fourteen billion's depth.
  config.layers = 48;
  config.kv_heads = 8;
  config.heads = 40;
  config.hidden = 5120;
  const auto plan = plan_qwen2({}, config, kernels::WeightFormat::int8);
  ASSERT_TRUE(plan);
  EXPECT_LE(plan->components[1].bytes, kPoolBytes);
  EXPECT_GT(plan->components[1].bytes, kPoolBytes * 9 / 10);
  // With every head its own keys a sequence would not fit any more.
  config.kv_heads = 40;
  EXPECT_EQ(pool_tokens(config, kernels::WeightFormat::int8), kLeastPoolTokens);
}

TEST(Qwen2Plan, GivesAModelOneRoomInAllFormats) {
  auto config = seven_billion();
  config.layers = 4;
  config.kv_heads = 28;
  config.vocabulary_rows = 2048;
  const auto tokens = pool_tokens(config, kernels::WeightFormat::bf16);
  EXPECT_LT(tokens, kPoolTokens);
  EXPECT_GT(tokens, kLeastPoolTokens);
  EXPECT_EQ(pool_tokens(config, kernels::WeightFormat::int4), tokens);
  EXPECT_EQ(pool_tokens(config, kernels::WeightFormat::f32), tokens);
}

}  // namespace
}  // namespace troupe
