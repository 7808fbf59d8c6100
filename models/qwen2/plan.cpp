#include "models/qwen2/plan.hpp"

#include <algorithm>

#include "core/text_params.hpp"

namespace troupe {

using kernels::kPageTokens;

namespace {

// Positions, whole pages of them.
std::int64_t pages_for(std::int64_t tokens) {
  return (tokens + kPageTokens - 1) / kPageTokens;
}

std::int64_t pages_of_pool(const Qwen2Config& config, KvCacheOptions one) {
  one.pages = 1;
  const auto page_bytes = KvCache::bytes_for(one);
  const auto half = qwen2_weight_bytes(config, kernels::WeightFormat::bf16) / 2;
  const auto bytes = std::min(std::max(half, kLeastPoolBytes), kPoolBytes);
  const auto most = std::min(pages_for(config.max_positions) * kEngineSequences,
                             pages_for(kPoolTokens));
  const auto least =
      pages_for(std::min(config.max_positions, kLeastPoolTokens));
  return std::clamp(static_cast<std::int64_t>(bytes / page_bytes), least, most);
}

KvCacheOptions cache_for(const Qwen2Config& config) {
  KvCacheOptions cache{.layers = config.layers,
                       .kv_heads = config.kv_heads,
                       .head_dim = config.head_dim,
                       .pages = 0,
                       .sequences = kEngineSequences,
                       .max_sequence_pages = 0};
  cache.pages = pages_of_pool(config, cache);
  cache.max_sequence_pages =
      std::min(pages_for(config.max_positions), cache.pages);
  return cache;
}

}  // namespace

TextRoom qwen2_room(const Qwen2Config& config) {
  const auto cache = cache_for(config);
  return {.sequence = std::min(config.max_positions,
                               cache.max_sequence_pages * kPageTokens),
          .pages = cache.pages};
}

Result<Qwen2Plan> plan_qwen2(const Context& ctx, const Qwen2Config& config,
                             kernels::WeightFormat format) {
  Qwen2Plan plan{.format = format, .cache = cache_for(config)};
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
