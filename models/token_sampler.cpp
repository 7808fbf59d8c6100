#include "models/token_sampler.hpp"

#include <cstring>
#include <string>

#include "kernels/device_memory.hpp"

namespace troupe {

using kernels::SamplingRow;
using kernels::SeenToken;
using kernels::TokenBias;

// Rows come first; what they list needs no stricter alignment.
static_assert(sizeof(SamplingRow) % alignof(SeenToken) == 0 &&
              sizeof(SeenToken) == 8 && sizeof(TokenBias) == 8);

std::size_t TokenSampler::listing_bytes(const TokenSamplerLimits& limits) {
  return static_cast<std::size_t>(limits.rows) *
         (sizeof(SamplingRow) + static_cast<std::size_t>(limits.listed) * 8);
}

TokenSampler::Places TokenSampler::lay_out(const TokenSamplerLimits& limits,
                                           Arena& arena) {
  return {.listing = arena.take_bytes(listing_bytes(limits)),
          .tokens = arena.take<std::int32_t>(limits.rows)};
}

std::uint64_t TokenSampler::bytes_for(const Device& device,
                                      const TokenSamplerLimits& limits) {
  if (device.backend == Backend::cpu) return 0;
  Arena count;
  lay_out(limits, count);
  return count.used();
}

Result<TokenSampler> TokenSampler::make(Context& ctx,
                                        const TokenSamplerLimits& limits) {
  TokenSampler sampler{ctx, limits};
  if (ctx.device.backend == Backend::cpu) return sampler;
  auto arena = Arena::allocate(ctx, bytes_for(ctx.device, limits));
  if (!arena) return arena.error();
  sampler.memory_ = std::move(*arena);
  sampler.at_ = lay_out(limits, sampler.memory_);
  return sampler;
}

// The rows with their lists behind them, as they will lie on the device.
Status TokenSampler::list(std::span<const SamplingRow> rows) {
  listing_.resize(rows.size_bytes());
  const auto append = [&](const auto* list, std::int32_t count) {
    using Item = std::remove_pointer_t<decltype(list)>;
    const auto at = listing_.size();
    const auto bytes = static_cast<std::size_t>(count) * sizeof(Item);
    listing_.resize(at + bytes);
    if (bytes > 0) std::memcpy(listing_.data() + at, list, bytes);
    return reinterpret_cast<Item*>(at_.listing + at);
  };
  for (std::size_t i = 0; i < rows.size(); ++i) {
    auto row = rows[i];
    row.seen = append(row.seen, row.seen_count);
    row.biases = append(row.biases, row.bias_count);
    std::memcpy(listing_.data() + i * sizeof(row), &row, sizeof(row));
  }
  if (std::ssize(rows) <= limits_.rows &&
      listing_.size() <= listing_bytes(limits_))
    return kernels::copy_in(*ctx_, at_.listing, listing_.data(),
                            listing_.size());
  return Error{Errc::too_large,
               "sampling " + std::to_string(rows.size()) + " rows needs " +
                   std::to_string(listing_.size()) +
                   " bytes of lists; there is room for " +
                   std::to_string(limits_.rows) + " rows and " +
                   std::to_string(listing_bytes(limits_)) + " bytes"};
}

Status TokenSampler::sample(std::span<const SamplingRow> rows,
                            const TensorRef& logits, std::int64_t vocabulary,
                            std::span<TokenId> tokens) {
  const auto count = std::ssize(rows);
  TROUPE_ASSERT(std::ssize(tokens) == count);
  if (ctx_->device.backend == Backend::cpu)
    return kernels::sampling(*ctx_, {.tokens = vector_ref(tokens.data(), count),
                                     .logits = logits,
                                     .vocabulary = vocabulary,
                                     .rows = rows.data()});
  if (auto good = list(rows); !good) return good;
  if (auto good = kernels::sampling(
          *ctx_, {.tokens = vector_ref(at_.tokens, count),
                  .logits = logits,
                  .vocabulary = vocabulary,
                  .rows = reinterpret_cast<const SamplingRow*>(at_.listing)});
      !good)
    return good;
  if (auto good = kernels::copy_out(*ctx_, tokens.data(), at_.tokens,
                                    tokens.size_bytes());
      !good)
    return good;
  return kernels::wait(*ctx_);
}

}  // namespace troupe
