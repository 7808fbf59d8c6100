// The golden models of tests/golden/qwen2, loaded, and sequences of steps on
// them.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "kernels/context.hpp"
#include "kernels/device_memory.hpp"
#include "models/qwen2/forward.hpp"
#include "models/qwen2/weight_loader.hpp"
#include "models/text/greedy.hpp"
#include "tests/models/golden.hpp"

namespace troupe {

struct GoldenQwen2 {
  explicit GoldenQwen2(
      const std::string& name,
      kernels::WeightFormat format = kernels::WeightFormat::f32,
      const Context& device = {})
      : dir{kGoldenDir / "qwen2" / name} {
    auto loader = Qwen2WeightLoader::open(dir, format, device);
    EXPECT_TRUE(loader) << loader.error().message;
    if (!loader) return;
    Result<LoadProgress> progress = LoadProgress{0, 1};
    while (progress && !progress->done()) progress = loader->step();
    EXPECT_TRUE(progress) << progress.error().message;
    weights = loader->take();
    const auto rows = read_lines(dir / "expected" / "tokens.json");
    prompt = rows.at(0).at("prompt").get<std::vector<TokenId>>();
    greedy = rows.at(0).at("greedy").get<std::vector<TokenId>>();
  }

  std::vector<float> expected(const std::string& name) const {
    const auto folder = WeightFolder::open(dir / "expected");
    EXPECT_TRUE(folder);
    const auto found = folder->find(name);
    EXPECT_TRUE(found) << found.error().message;
    std::vector<float> values(
        static_cast<std::size_t>(found->tensor->elements()));
    EXPECT_TRUE(found->file->read_f32(*found->tensor, 0, values));
    return values;
  }

  /// What goes into the first block of these tokens. REQUIRES: the weights lie
  /// in panels.
  std::vector<float> embedded(const std::vector<TokenId>& tokens) const {
    std::vector<float> rows;
    for (const auto token : tokens)
      for (std::int64_t i = 0; i < weights.config.hidden; ++i)
        rows.push_back(kernels::packed_at(weights.embedding, token, i));
    return rows;
  }

  std::filesystem::path dir;
  Qwen2Weights weights;
  std::vector<TokenId> prompt;
  std::vector<TokenId> greedy;
};

/// A model at work: its own team, cache and buffers.
class Qwen2Bench {
 public:
  Qwen2Bench(const Qwen2Weights& weights, IsaLevel isa, int threads)
      : weights_{&weights}, team_{std::make_unique<ThreadTeam>(threads)} {
    ctx_.isa = isa;
    ctx_.team = team_.get();
    make();
  }
  /// On the device of `ctx`, where the weights are.
  Qwen2Bench(const Qwen2Weights& weights, const Context& ctx)
      : weights_{&weights}, ctx_{ctx} {
    make();
  }

  std::int32_t open() {
    const auto sequence = cache_->open(320);
    EXPECT_TRUE(sequence);
    return *sequence;
  }

  /// Logits of all rows, `chunk` rows a step.
  std::vector<float> prefill(std::int32_t sequence,
                             const std::vector<TokenId>& tokens,
                             std::size_t chunk) {
    std::vector<float> all;
    for (std::size_t at = 0; at < tokens.size(); at += chunk) {
      std::vector<StepRow> rows;
      for (auto i = at; i < std::min(at + chunk, tokens.size()); ++i)
        rows.push_back(row(sequence, i, tokens[i]));
      const auto logits = step(rows);
      all.insert(all.end(), logits.begin(), logits.end());
    }
    return all;
  }

  static StepRow row(std::int32_t sequence, std::size_t position,
                     TokenId token) {
    return {.token = token,
            .sequence = sequence,
            .position = static_cast<std::int32_t>(position),
            .wants_logits = true};
  }

  std::vector<float> step(const std::vector<StepRow>& rows) {
    const auto logits = forward_->step(rows, *cache_, observer);
    EXPECT_TRUE(logits) << logits.error().message;
    if (!logits) return {};
    std::vector<float> values(logits->size());
    EXPECT_TRUE(kernels::copy_out(ctx_, values.data(), logits->data(),
                                  logits->size_bytes()));
    const auto done = kernels::wait(ctx_);
    EXPECT_TRUE(done) << done.error().message;
    return values;
  }
  Status try_step(const std::vector<StepRow>& rows) {
    const auto logits = forward_->step(rows, *cache_, observer);
    if (!logits) return logits.error();
    return ok();
  }

  /// The likeliest of the last row of `logits`.
  TokenId best(const std::vector<float>& logits) const {
    const auto width =
        static_cast<std::size_t>(weights_->config.vocabulary_rows);
    const auto token = greedy_token(std::span{logits}.last(width), width);
    EXPECT_TRUE(token);
    return token ? *token : 0;
  }

  Context& context() { return ctx_; }
  KvCache& cache() { return *cache_; }

  Qwen2Forward::Observer observer;

 private:
  void make() {
    const auto& c = weights_->config;
    auto cache = KvCache::make(
        {.layers = c.layers,
         .kv_heads = c.kv_heads,
         .head_dim = c.head_dim,
         .pages = 64,
         .sequences = 4,
         .max_sequence_pages = 32,
         .dtype = qwen2_cache_dtype(ctx_.device, weights_->format)},
        ctx_);
    auto forward = Qwen2Forward::make(
        ctx_, *weights_, {.rows = 64, .logits = 64, .sequence_pages = 32});
    EXPECT_TRUE(cache && forward);
    cache_ = std::make_unique<KvCache>(std::move(*cache));
    forward_ = std::make_unique<Qwen2Forward>(std::move(*forward));
  }

  const Qwen2Weights* weights_;
  std::unique_ptr<ThreadTeam> team_;
  Context ctx_;
  std::unique_ptr<KvCache> cache_;
  std::unique_ptr<Qwen2Forward> forward_;
};

/// |a - b| / |b|, in fp64.
inline double relative_error(std::span<const float> a,
                             std::span<const float> b) {
  EXPECT_EQ(a.size(), b.size());
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    const double d = double{a[i]} - b[i];
    difference += d * d;
    size += double{b[i]} * b[i];
  }
  return std::sqrt(difference / size);
}

}  // namespace troupe
