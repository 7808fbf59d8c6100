#include <cmath>

#include "bench/device/sections.hpp"
#include "kernels/device_memory.hpp"
#include "models/qwen2/forward.hpp"
#include "models/qwen2/weight_loader.hpp"
#include "models/token_sampler.hpp"

namespace troupe::bench {
namespace {

using kernels::kPageTokens;
using kernels::WeightFormat;

constexpr int kLoads = 5;
constexpr std::int64_t kPast =
    1'024;                           // Positions before the first that counts.
constexpr std::int64_t kRows = 256;  // Of a step of a prompt.
constexpr std::int64_t kMostTogether = 64;
constexpr int kWarm = 8;
constexpr int kSteps = 64;

Qwen2Weights loaded(Context& ctx, const std::filesystem::path& folder) {
  auto loader = need(Qwen2WeightLoader::open(folder, WeightFormat::bf16, ctx));
  while (!need(loader.step()).done()) continue;
  return loader.take();
}

/// Some sequences of one model that go on token by token, as an engine lets
/// them: a recorded step, greedy sampling, tokens back to the program.
class Decoding {
 public:
  Decoding(Context& ctx, const Qwen2Weights& weights, std::int64_t together)
      : ctx_{ctx},
        weights_{weights},
        rows_(static_cast<std::size_t>(together)) {
    const auto pages = (kPast + kWarm + kSteps) / kPageTokens + 1;
    const auto& c = weights.config;
    cache_.emplace(need(KvCache::make({.layers = c.layers,
                                       .kv_heads = c.kv_heads,
                                       .head_dim = c.head_dim,
                                       .pages = pages * together,
                                       .sequences = together,
                                       .max_sequence_pages = pages,
                                       .dtype = DType::bf16},
                                      ctx)));
    forward_.emplace(need(Qwen2Forward::make(
        ctx, weights,
        {.rows = kRows, .logits = kMostTogether, .sequence_pages = pages})));
    sampler_.emplace(
        need(TokenSampler::make(ctx, {.rows = together, .listed = 1})));
    for (auto& row : rows_) begin(row, pages * kPageTokens);
  }

  /// One token of each sequence.
  void step() {
    const auto logits = need(forward_->step(rows_, *cache_));
    const std::vector<kernels::SamplingRow> greedy(rows_.size(),
                                                   {.temperature = 0});
    std::vector<TokenId> tokens(rows_.size());
    const auto vocabulary = weights_.config.vocabulary_rows;
    need(sampler_->sample(
        greedy, matrix_ref(logits.data(), std::ssize(rows_), vocabulary),
        vocabulary, tokens));
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      if (tokens[i] == kernels::kNoToken)
        throw std::runtime_error("a step's logits are no numbers");
      rows_[i].token = tokens[i];
      ++rows_[i].position;
    }
  }

  /// What a step reads at least: weights, and the keys and values so far.
  double bytes() const {
    const auto& c = weights_.config;
    const auto embedding =
        kernels::packed_bytes(WeightFormat::bf16, c.vocabulary_rows, c.hidden,
                              weights_.embedding.layout);
    const auto weights = static_cast<double>(weights_.memory.used()) -
                         (c.tied_head ? 0 : static_cast<double>(embedding));
    const auto position = 4.0 * static_cast<double>(c.layers * c.kv_width());
    return weights + static_cast<double>(rows_.size()) * position *
                         static_cast<double>(kPast + kWarm + kSteps / 2);
  }

 private:
  // A prompt of its own, so that no two sequences share pages.
  void begin(StepRow& row, std::int64_t room_for) {
    const auto sequence = need(cache_->open(room_for));
    for (std::int64_t at = 0; at < kPast; at += kRows) {
      std::vector<StepRow> prompt;
      for (auto position = at; position < at + kRows; ++position)
        prompt.push_back(
            {.token = static_cast<TokenId>((position * 37 + sequence * 101) %
                                           weights_.config.vocabulary_rows),
             .sequence = sequence,
             .position = static_cast<std::int32_t>(position)});
      need(forward_->step(prompt, *cache_));
      need(kernels::wait(ctx_));
    }
    row = {.token = sequence,
           .sequence = sequence,
           .position = kPast,
           .wants_logits = true};
  }

  Context& ctx_;
  const Qwen2Weights& weights_;
  std::vector<StepRow> rows_;
  std::optional<KvCache> cache_;
  std::optional<Qwen2Forward> forward_;
  std::optional<TokenSampler> sampler_;
};

void run_decoding(Bench& bench, const Qwen2Weights& weights,
                  const std::string& name, std::int64_t together, double bar) {
  Decoding decoding{bench.ctx, weights, together};
  for (int i = 0; i < kWarm; ++i) decoding.step();
  std::vector<double> seconds;
  for (int i = 0; i < kSteps; ++i)
    seconds.push_back(seconds_of([&] { decoding.step(); }));
  const auto took = median(seconds);
  const auto least = decoding.bytes() / bench.ceilings.copy;
  const auto tokens = static_cast<double>(together);
  bench.report.add({.name = name,
                    .value = tokens / took,
                    .unit = "tok/s",
                    .limit = tokens / least,
                    .peer = {},
                    .ratio = least / took,
                    .bar = bar});
}

}  // namespace

void run_model(Bench& bench, const ModelShape& shape,
               const std::filesystem::path& folder) {
  const auto bytes =
      static_cast<double>(loaded(bench.ctx, folder).memory.used());
  std::vector<double> rates;
  for (int i = 0; i < kLoads; ++i)
    rates.push_back(bytes / seconds_of([&] { loaded(bench.ctx, folder); }));
  bench.report.add({.name = "M1.load." + shape.name,
                    .value = median(rates) / 1e9,
                    .unit = "GB/s",
                    .limit = bench.ceilings.to_device / 1e9,
                    .peer = {},
                    .ratio = median(rates) / bench.ceilings.to_device,
                    .bar = 0.93});
  const auto weights = loaded(bench.ctx, folder);
  const bool large = !shape.tied_head;
  run_decoding(bench, weights,
               (large ? "L1.decode.b1." : "L3.decode.b1.") + shape.name, 1,
               large ? 0.82 : 0.55);
  run_decoding(bench, weights, "L4.decode.b64." + shape.name, 64, 0.70);
}

}  // namespace troupe::bench
