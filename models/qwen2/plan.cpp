#include "models/qwen2/plan.hpp"

#include <algorithm>

#include "core/text_params.hpp"

namespace troupe {

using kernels::kPageTokens;

Result<Qwen2Plan> plan_qwen2(const Context& ctx, const Qwen2Config& config,
                             kernels::WeightFormat format) {
  // Positions of the cache, whole pages of them.
  const auto pages = [](std::int64_t tokens) {
    return (tokens + kPageTokens - 1) / kPageTokens;
  };
  const auto of_one = pages(config.max_positions);
  Qwen2Plan plan{.format = format};
  plan.cache = {
      .layers = config.layers,
      .kv_heads = config.kv_heads,
      .head_dim = config.head_dim,
      .pages = std::min(of_one * kEngineSequences, pages(kEngineTokens)),
      .sequences = kEngineSequences,
      .max_sequence_pages = 0};
  plan.cache.max_sequence_pages = std::min(of_one, plan.cache.pages);
  plan.cache.dtype = qwen2_cache_dtype(ctx.device, format);
  plan.limits = {.rows = std::min(kEngineRows,
                                  plan.cache.max_sequence_pages * kPageTokens),
                 .logits = kEngineSequences,
                 .sequence_pages = plan.cache.max_sequence_pages};
  plan.limits.logits = std::min(plan.limits.logits, plan.limits.rows);
  const auto step = Qwen2Forward::bytes_for(ctx, config, format, plan.limits);
  if (!step) return step.error();
  plan.sampling = {
      .rows = kEngineSequences,
      .listed = std::min(plan.cache.max_sequence_pages * kPageTokens,
                         config.vocabulary_rows) +
                std::int64_t{kMaxLogitBiases}};
  plan.components = {
      {"weights", qwen2_weight_bytes(config, format, ctx.device)},
      {"kv", KvCache::bytes_for(plan.cache, ctx.device)},
      {"step", *step + TokenSampler::bytes_for(ctx.device, plan.sampling)}};
  return plan;
}

}  // namespace troupe
