#include "models/qwen2/plan.hpp"

#include <algorithm>

namespace troupe {
namespace {

using kernels::kPageTokens;

// The most rows that one step can have, each in a place of its own.
Status measure(Context& ctx, const Qwen2Config& config, const Qwen2Plan& plan) {
  const auto weights = counted_qwen2_weights(config);
  auto cache = KvCache::counting(plan.cache);
  auto forward = Qwen2Forward::counting(ctx, weights, plan.limits);
  const auto sequence = cache.open(plan.limits.rows);
  if (!sequence) return sequence.error();
  std::vector<StepRow> rows;
  for (std::int64_t i = 0; i < plan.limits.rows; ++i)
    rows.push_back({.sequence = *sequence,
                    .position = static_cast<std::int32_t>(i),
                    .wants_logits = i < plan.limits.logits});
  const auto step = forward.step(rows, cache);
  if (!step) return step.error();
  return ok();
}

}  // namespace

Result<Qwen2Plan> plan_qwen2(const Context& ctx, const Qwen2Config& config) {
  // Positions of the cache, whole pages of them.
  const auto pages = [](std::int64_t tokens) {
    return (tokens + kPageTokens - 1) / kPageTokens;
  };
  const auto of_one = pages(config.max_positions);
  Qwen2Plan plan;
  plan.cache = {
      .layers = config.layers,
      .kv_heads = config.kv_heads,
      .head_dim = config.head_dim,
      .pages = std::min(of_one * kEngineSequences, pages(kEngineTokens)),
      .sequences = kEngineSequences,
      .max_sequence_pages = 0};
  plan.cache.max_sequence_pages = std::min(of_one, plan.cache.pages);
  plan.limits = {.rows = std::min(kEngineRows,
                                  plan.cache.max_sequence_pages * kPageTokens),
                 .logits = kEngineSequences};
  plan.limits.logits = std::min(plan.limits.logits, plan.limits.rows);
  Measured measured;
  Context measuring = ctx;
  measuring.measured = &measured;
  if (auto good = measure(measuring, config, plan); !good) return good.error();
  plan.components = {{"weights", qwen2_weight_bytes(config)},
                     {"kv", KvCache::bytes_for(plan.cache)},
                     {"step", Qwen2Forward::bytes_for(config, plan.limits) +
                                  measured.scratch_bytes}};
  return plan;
}

}  // namespace troupe
