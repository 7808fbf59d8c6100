// The whole forward pass on a device: against transformers, against the CPU,
// and against itself when steps are recorded, filled up, cut into chunks or
// begin with what is remembered.
#include "models/qwen2/forward.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>

#include "kernels/cuda_ops.hpp"
#include "kernels/rope.hpp"
#include "tests/cuda_models/opened_device.hpp"
#include "tests/models/closeness.hpp"
#include "tests/models/qwen2_golden.hpp"
#include "tests/models/tiny_qwen2.hpp"
#include "tests/platform/temp_dir.hpp"

namespace troupe {
namespace {

using kernels::WeightFormat;
using ::testing::HasSubstr;

using Blocks = std::vector<std::vector<float>>;

bool same_bytes(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && !a.empty() &&
         std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

class CudaQwen2Forward : public ::testing::Test {
 protected:
  explicit CudaQwen2Forward(WeightFormat format = WeightFormat::f32)
      : golden_{"gqa_tied", format, device_.context()} {}

  Qwen2Bench bench() { return {golden_.weights, device_.context()}; }
  std::size_t width() const {
    return static_cast<std::size_t>(golden_.weights.config.vocabulary_rows);
  }

  /// What goes into the first block, as the CPU has it.
  std::vector<float> embedded() const {
    return GoldenQwen2{"gqa_tied"}.embedded(golden_.prompt);
  }

  OpenedDevice device_;
  GoldenQwen2 golden_;
};

class CudaQwen2ForwardInBf16 : public CudaQwen2Forward {
 protected:
  CudaQwen2ForwardInBf16() : CudaQwen2Forward{WeightFormat::bf16} {}
};

Blocks blocks_of(Qwen2Bench& model, const GoldenQwen2& golden,
                 std::vector<float>& logits) {
  Blocks blocks;
  model.observer = [&](std::int64_t layer, std::span<const float> hidden) {
    EXPECT_EQ(layer, std::ssize(blocks));
    blocks.emplace_back(hidden.begin(), hidden.end());
  };
  logits = model.prefill(model.open(), golden.prompt, 64);
  EXPECT_EQ(std::ssize(blocks), golden.weights.config.layers);
  return blocks;
}

/// Of the last of `outputs`, and of the blocks before it.
std::string output_name(std::size_t i, std::size_t outputs) {
  return i + 1 == outputs ? "logits" : "block." + std::to_string(i);
}

TEST_F(CudaQwen2Forward, EqualsTransformersBlockByBlock) {
  constexpr double kBar = 1e-5;
  auto model = bench();
  std::vector<float> logits;
  auto outputs = blocks_of(model, golden_, logits);
  outputs.push_back(logits);
  auto input = embedded();
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const auto expected = golden_.expected(output_name(i, outputs.size()));
    EXPECT_LE(relative_error(outputs[i], expected), kBar) << i;
    EXPECT_TRUE(tells_apart(expected, input, [&](const auto& other) {
      return relative_error(other, expected) <= 0.01;
    })) << i;
    input = outputs[i];
  }
}

TEST_F(CudaQwen2ForwardInBf16, IsNearTransformersBlockByBlock) {
  auto model = bench();
  EXPECT_EQ(model.cache().layer(0).dtype, DType::bf16);
  std::vector<float> logits;
  const auto blocks = blocks_of(model, golden_, logits);
  auto input = embedded();
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const auto expected = golden_.expected("block." + std::to_string(i));
    const auto is_along = [&](const std::vector<float>& block) {
      return cosine(block, expected) >= 0.9995;
    };
    EXPECT_TRUE(is_along(blocks[i])) << i;
    EXPECT_TRUE(tells_apart(expected, input, is_along)) << i;
    input = blocks[i];
  }
  const auto expected = golden_.expected("logits");
  const auto is_near = [&](const std::vector<float>& other) {
    return divergence(expected, other, width()) <= 1e-3;
  };
  EXPECT_TRUE(is_near(logits));
  EXPECT_TRUE(tells_apart(expected, input, is_near));
}

// All but the first two of these steps are launched as recorded.
TEST_F(CudaQwen2Forward, ChoosesTheTokensOfTransformers) {
  constexpr std::size_t kTokens = 7;
  auto model = bench();
  const auto sequence = model.open();
  auto token = model.best(model.prefill(sequence, golden_.prompt, 64));
  std::vector<TokenId> tokens{token};
  while (tokens.size() < kTokens) {
    const auto position = golden_.prompt.size() + tokens.size() - 1;
    token =
        model.best(model.step({Qwen2Bench::row(sequence, position, token)}));
    tokens.push_back(token);
  }
  EXPECT_EQ(tokens, std::vector<TokenId>(golden_.greedy.begin(),
                                         golden_.greedy.begin() + kTokens));
}

// For what must be the same bytes: one small layer.
class CudaQwen2Steps : public ::testing::Test {
 protected:
  CudaQwen2Steps() {
    TinyQwen2{}.write(dir_.path());
    auto loader = Qwen2WeightLoader::open(dir_.path(), WeightFormat::f32,
                                          device_.context());
    EXPECT_TRUE(loader && loader->step()->done());
    weights_ = loader->take();
  }

  Qwen2Bench bench() { return {weights_, device_.context()}; }
  /// Whose steps are launched op by op.
  Qwen2Bench plain_bench() {
    auto ctx = device_.context();
    ctx.graphs = nullptr;
    return {weights_, ctx};
  }
  static TokenId token(std::size_t at) {
    return static_cast<TokenId>(at * at * 7 % 16);
  }
  static std::vector<TokenId> prompt(std::size_t tokens) {
    std::vector<TokenId> all;
    for (std::size_t i = 0; i < tokens; ++i) all.push_back(token(i));
    return all;
  }
  std::size_t width() const {
    return static_cast<std::size_t>(weights_.config.vocabulary_rows);
  }

  platform::TempDir dir_;
  OpenedDevice device_;
  Qwen2Weights weights_;
};

// Steps of two sequences: over the end of a page, and with one that ends while
// another begins on other pages, at another place.
TEST_F(CudaQwen2Steps, GiveTheSameBytesRecordedAndOpByOp) {
  auto recorded = bench();
  auto plain = plain_bench();
  std::vector<std::int32_t> sequences;
  for (auto* model : {&recorded, &plain}) {
    sequences = {model->open(), model->open()};
    model->prefill(sequences[0], prompt(14), 64);
    model->prefill(sequences[1], prompt(9), 64);
  }
  std::size_t at[] = {14, 9};
  for (int step = 0; step < 8; ++step) {
    if (step == 5) {
      at[1] = 11;
      sequences[1] = 2;
      for (auto* model : {&recorded, &plain}) {
        model->cache().close(1);
        const auto other = model->open();
        ASSERT_EQ(model->open(), 2);
        model->cache().close(other);
        model->prefill(2, prompt(11), 64);
      }
    }
    const std::vector<StepRow> rows{
        Qwen2Bench::row(sequences[0], at[0], token(at[0])),
        Qwen2Bench::row(sequences[1], at[1], token(at[1] + 20))};
    EXPECT_TRUE(same_bytes(recorded.step(rows), plain.step(rows)))
        << "step " << step;
    ++at[0];
    ++at[1];
  }
}

TEST_F(CudaQwen2Steps, GiveARowTheSameBytesWhereTheyAreFilledUp) {
  auto together = bench(), alone = bench();
  for (std::int32_t i = 0; i < 3; ++i)
    for (auto* model : {&together, &alone})
      model->prefill(model->open(), prompt(static_cast<std::size_t>(9 + i)),
                     64);
  for (std::size_t step = 0; step < 4; ++step) {
    std::vector<StepRow> rows;
    std::vector<float> expected;
    for (std::int32_t i = 0; i < 3; ++i) {
      const auto at = step + static_cast<std::size_t>(9 + i);
      rows.push_back(Qwen2Bench::row(i, at, token(at + 3)));
      const auto logits = alone.step({rows.back()});
      expected.insert(expected.end(), logits.begin(), logits.end());
    }
    EXPECT_TRUE(same_bytes(together.step(rows), expected)) << "step " << step;
  }
}

// Up to eight rows a step: beyond, cuBLASLt's choice depends on the rows.
TEST_F(CudaQwen2Steps, GiveTheSameBytesInSmallChunksAndAfterABeginning) {
  auto model = bench();
  const auto tokens = prompt(23);
  const auto first = model.open();
  const auto sevens = model.prefill(first, tokens, 7);
  EXPECT_TRUE(same_bytes(sevens, model.prefill(model.open(), tokens, 5)));
  const auto whole = model.prefill(model.open(), tokens, 64);
  EXPECT_LE(relative_error(whole, sevens), 1e-5);

  model.cache().remember(first, tokens);
  const auto again = model.cache().open(64, std::span{tokens}.first(22));
  ASSERT_TRUE(again);
  ASSERT_EQ(model.cache().length(*again), 16);
  std::vector<StepRow> rows;
  for (std::size_t i = 16; i < tokens.size(); ++i)
    rows.push_back(Qwen2Bench::row(*again, i, tokens[i]));
  EXPECT_TRUE(same_bytes(
      model.step(rows),
      {sevens.end() - static_cast<std::ptrdiff_t>(7 * width()), sevens.end()}));
}

TEST_F(CudaQwen2Steps, GiveLogitsOnlyToRowsThatWantThem) {
  auto model = bench();
  const auto tokens = prompt(8);
  const auto all = model.prefill(model.open(), tokens, 8);
  const auto sequence = model.open();
  std::vector<StepRow> rows;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    rows.push_back(Qwen2Bench::row(sequence, i, tokens[i]));
    rows.back().wants_logits = i == 2 || i == 7;
  }
  std::vector<float> wanted;
  for (const std::size_t row : {2, 7})
    for (std::size_t i = 0; i < width(); ++i)
      wanted.push_back(all[row * width() + i]);
  EXPECT_TRUE(same_bytes(model.step(rows), wanted));
}

TEST_F(CudaQwen2Steps, MayBeStoppedBeforeTheyAreLaunchedAndMadeAgain) {
  auto model = bench(), undisturbed = bench();
  std::atomic<bool> stop{false};
  model.context().stop = &stop;
  const auto sequence = model.open();
  undisturbed.open();
  for (std::size_t at = 0; at < 4; ++at) {
    const std::vector rows{Qwen2Bench::row(sequence, at, token(at))};
    stop = true;
    const auto stopped = model.try_step(rows);
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().code, Errc::cancelled);
    EXPECT_EQ(model.cache().length(sequence), static_cast<std::int64_t>(at));
    stop = false;
    EXPECT_TRUE(same_bytes(model.step(rows), undisturbed.step(rows)));
  }
}

// What a turn of rope leaves behind: that the step is to stop.
std::atomic<bool> stop_after_rope{false};

Status rope_and_stop(Context& ctx, const void* args) {
  stop_after_rope = true;
  for (const auto& op : kernels::cuda_ops())
    if (op.name == kernels::Rope::kName) return op.run(ctx, args);
  return ok();
}

TEST_F(CudaQwen2Steps, AreStoppedBetweenTwoOps) {
  auto model = bench(), undisturbed = bench();
  const auto plain = kernels::cuda_ops();
  std::vector<CudaOp> ops(plain.begin(), plain.end());
  for (auto& op : ops)
    if (op.name == kernels::Rope::kName) op.run = &rope_and_stop;
  const auto sequence = model.open();
  const auto tokens = prompt(3);
  std::vector<StepRow> rows;
  for (std::size_t i = 0; i < tokens.size(); ++i)
    rows.push_back(Qwen2Bench::row(sequence, i, tokens[i]));
  stop_after_rope = false;
  model.context().stop = &stop_after_rope;
  model.context().cuda_ops = ops;
  const auto stopped = model.try_step(rows);
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, Errc::cancelled);
  // The turn of the keys is the next op after the turn of the queries.
  EXPECT_THAT(stopped.error().message, HasSubstr("rope"));
  EXPECT_EQ(model.cache().length(sequence), 0);
  model.context().stop = nullptr;
  EXPECT_TRUE(same_bytes(model.step(rows),
                         undisturbed.prefill(undisturbed.open(), tokens, 8)));
}

// One takes more pages than the one before it in its seat had, and no step of
// it but those that are decoded brings them to the device.
TEST_F(CudaQwen2Steps, ReadThePagesThatASequenceHasNow) {
  const auto tokens = prompt(20);
  auto model = bench(), chunked = bench();
  const auto expected = chunked.prefill(chunked.open(), tokens, 7);
  const auto before = model.cache().open(16);
  ASSERT_TRUE(before);
  for (std::size_t i = 0; i < 3; ++i)
    model.step({Qwen2Bench::row(*before, i, token(i + 5))});
  model.cache().close(*before);
  const auto now = model.cache().open(20);
  ASSERT_EQ(*now, *before);
  std::vector<float> logits;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const auto row = model.step({Qwen2Bench::row(*now, i, tokens[i])});
    logits.insert(logits.end(), row.begin(), row.end());
  }
  EXPECT_LE(relative_error(logits, expected), 1e-5);
}

TEST_F(CudaQwen2Steps, RefuseACacheOfLongerSequencesThanTheirScratchIsFor) {
  auto ctx = device_.context();
  const auto& c = weights_.config;
  auto cache = KvCache::make({.layers = c.layers,
                              .kv_heads = c.kv_heads,
                              .head_dim = c.head_dim,
                              .pages = 40,
                              .sequences = 1,
                              .max_sequence_pages = 33},
                             ctx);
  auto forward = Qwen2Forward::make(
      ctx, weights_, {.rows = 1, .logits = 1, .sequence_pages = 32});
  ASSERT_TRUE(cache && forward);
  const auto sequence = cache->open(8);
  const StepRow row{.sequence = *sequence, .wants_logits = true};
  const auto refused = forward->step(std::span{&row, 1}, *cache);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::invalid_argument);
  EXPECT_THAT(refused.error().message, HasSubstr("up to 33 pages"));
}

// 4 TiB of keys and values.
TEST_F(CudaQwen2Steps, SayHowMuchMemoryTheDeviceHasNotLeft) {
  const auto cache = KvCache::make({.layers = 64,
                                    .kv_heads = 64,
                                    .head_dim = 128,
                                    .pages = 1 << 16,
                                    .sequences = 1,
                                    .max_sequence_pages = 1},
                                   device_.context());
  ASSERT_FALSE(cache);
  EXPECT_EQ(cache.error().code, Errc::out_of_memory);
  EXPECT_THAT(cache.error().message,
              HasSubstr("the device has no 4 TiB of memory left"));
  // Nothing is spoiled by it.
  auto model = bench();
  EXPECT_FALSE(
      model.step({Qwen2Bench::row(model.open(), 0, token(0))}).empty());
}

}  // namespace
}  // namespace troupe
