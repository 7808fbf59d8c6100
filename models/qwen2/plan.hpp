// How a Qwen2 model is to be run on a device, and what that takes: one forward
// pass of the largest step, measured and not computed, before a weight is read.
#pragma once

#include <cstdint>
#include <vector>

#include "core/result.hpp"
#include "kernels/context.hpp"
#include "models/kv_cache.hpp"
#include "models/model.hpp"
#include "models/qwen2/config.hpp"
#include "models/qwen2/forward.hpp"
#include "models/token_sampler.hpp"

namespace troupe {

// Of an engine. A long prompt is cut into chunks, so a step's rows bound the
// time of a step, not the length of a prompt.
inline constexpr std::int64_t kEngineSequences = 16;  // Computed at once.
inline constexpr std::int64_t kEngineRows = 256;      // Of a step.

// Of the cache: room for kEngineSequences whole sequences, but no more than
// kPoolTokens positions, than half of what the weights take in bf16 or
// kLeastPoolBytes where that is more, and than kPoolBytes, all for keys and
// values in fp32: whatever they and the weights are kept in, so that a model
// takes the same requests in all formats and on all devices. Never less than
// one sequence of kLeastPoolTokens.
inline constexpr std::int64_t kPoolTokens = 16'384;
inline constexpr std::int64_t kLeastPoolTokens = 4'096;
inline constexpr std::uint64_t kLeastPoolBytes = std::uint64_t{32} << 20;
inline constexpr std::uint64_t kPoolBytes = std::uint64_t{2} << 30;

struct Qwen2Plan {
  kernels::WeightFormat format = kernels::WeightFormat::f32;
  ForwardLimits limits;
  TokenSamplerLimits sampling;
  KvCacheOptions cache;
  std::vector<Component> components;  // weights, kv, step
};

/// What one engine's cache holds, whatever device it is on.
struct TextRoom {
  std::int64_t sequence = 0;  // Tokens of one answer and its prompt.
  std::int64_t pages = 0;     // For all answers of a request together.
};
TextRoom qwen2_room(const Qwen2Config& config);

/// Errors: invalid_argument, unsupported: an op refuses the model's shape.
Result<Qwen2Plan> plan_qwen2(const Context& ctx, const Qwen2Config& config,
                             kernels::WeightFormat format);

}  // namespace troupe
