#include "models/qwen2/forward.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include "kernels/attention.hpp"
#include "kernels/embedding.hpp"
#include "kernels/linear.hpp"
#include "kernels/rms_norm.hpp"
#include "kernels/rope.hpp"
#include "kernels/swiglu.hpp"

namespace troupe {
namespace {

using namespace kernels;

// Runs ops until one fails: the stop flag is read before each.
template <class... Op>
Status all_of(const Op&... ops) {
  Status status = ok();
  static_cast<void>(((status = ops(), static_cast<bool>(status)) && ...));
  return status;
}

}  // namespace

Qwen2Forward::Buffers Qwen2Forward::lay_out(const Qwen2Config& c,
                                            const ForwardLimits& limits,
                                            std::size_t scratch_bytes,
                                            Arena& arena) {
  const auto rows = limits.rows;
  Buffers b;
  b.tokens = arena.take<std::int32_t>(rows);
  b.sequences = arena.take<std::int32_t>(rows);
  b.positions = arena.take<std::int32_t>(rows);
  b.cos = arena.take<float>(rows * c.head_dim / 2);
  b.sin = arena.take<float>(rows * c.head_dim / 2);
  b.hidden = arena.take<float>(rows * c.hidden);
  b.normal = arena.take<float>(rows * c.hidden);
  b.q = arena.take<float>(rows * c.q_width());
  b.k = arena.take<float>(rows * c.kv_width());
  b.v = arena.take<float>(rows * c.kv_width());
  b.attended = arena.take<float>(rows * c.q_width());
  b.added = arena.take<float>(rows * c.hidden);
  b.gate = arena.take<float>(rows * c.intermediate);
  b.up = arena.take<float>(rows * c.intermediate);
  b.last = arena.take<float>(limits.logits * c.hidden);
  b.logits = arena.take<float>(limits.logits * c.vocabulary_rows);
  b.scratch = {arena.take_bytes(scratch_bytes), scratch_bytes};
  return b;
}

// Of the most rows that one step can have, each in a place of its own.
Result<std::size_t> Qwen2Forward::scratch_bytes(const Context& ctx,
                                                const Qwen2Config& config,
                                                WeightFormat format,
                                                const ForwardLimits& limits) {
  Measured measured;
  Context measuring = ctx;
  measuring.measured = &measured;
  const auto weights = counted_qwen2_weights(config, format);
  const auto pages = (limits.rows + kPageTokens - 1) / kPageTokens;
  auto cache = KvCache::counting({.layers = config.layers,
                                  .kv_heads = config.kv_heads,
                                  .head_dim = config.head_dim,
                                  .pages = pages,
                                  .sequences = 1,
                                  .max_sequence_pages = pages});
  auto forward = counting(measuring, weights, limits);
  const auto sequence = cache.open(limits.rows);
  if (!sequence) return sequence.error();
  std::vector<StepRow> rows;
  for (std::int64_t i = 0; i < limits.rows; ++i)
    rows.push_back({.sequence = *sequence,
                    .position = static_cast<std::int32_t>(i),
                    .wants_logits = i < limits.logits});
  const auto step = forward.step(rows, cache);
  if (!step) return step.error();
  return measured.scratch_bytes;
}

Result<std::uint64_t> Qwen2Forward::bytes_for(const Context& ctx,
                                              const Qwen2Config& config,
                                              WeightFormat format,
                                              const ForwardLimits& limits) {
  const auto scratch = scratch_bytes(ctx, config, format, limits);
  if (!scratch) return scratch.error();
  Arena count;
  lay_out(config, limits, *scratch, count);
  return count.used();
}

Result<Qwen2Forward> Qwen2Forward::make(Context& ctx,
                                        const Qwen2Weights& weights,
                                        const ForwardLimits& limits) {
  const auto scratch =
      scratch_bytes(ctx, weights.config, weights.format, limits);
  if (!scratch) return scratch.error();
  Arena count;
  lay_out(weights.config, limits, *scratch, count);
  auto arena = Arena::allocate(count.used());
  if (!arena) return arena.error();
  Qwen2Forward forward{ctx, weights, limits};
  forward.memory_ = std::move(*arena);
  forward.b_ = lay_out(weights.config, limits, *scratch, forward.memory_);
  return forward;
}

Status Qwen2Forward::check(std::span<const StepRow> rows,
                           const KvCache& cache) const {
  const auto wanted = std::ranges::count(rows, true, &StepRow::wants_logits);
  if (std::ssize(rows) > limits_.rows || wanted > limits_.logits)
    return Error{Errc::too_large, "a step of " + std::to_string(rows.size()) +
                                      " rows, " + std::to_string(wanted) +
                                      " of them with logits; allowed are " +
                                      std::to_string(limits_.rows) + " and " +
                                      std::to_string(limits_.logits)};
  const auto fault = [](std::size_t row, const std::string& what) {
    return Error{Errc::invalid_argument,
                 "row " + std::to_string(row) + " of a step: " + what};
  };
  std::map<std::int32_t, std::int64_t> next;  // Position of each sequence.
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto& row = rows[i];
    if (row.token < 0 || row.token >= weights_->config.vocabulary_rows)
      return fault(i, "token " + std::to_string(row.token) +
                          " is not of the vocabulary");
    if (!cache.is_open(row.sequence))
      return fault(i,
                   "sequence " + std::to_string(row.sequence) + " is not open");
    const auto at =
        next.try_emplace(row.sequence, cache.length(row.sequence)).first;
    if (row.position != at->second ||
        row.position >= cache.capacity(row.sequence))
      return fault(i, "position " + std::to_string(row.position) +
                          "; the sequence goes on at " +
                          std::to_string(at->second) + " and has room for " +
                          std::to_string(cache.capacity(row.sequence)));
    ++at->second;
  }
  return ok();
}

Status Qwen2Forward::begin(std::span<const StepRow> rows) {
  const bool computes = ctx_->measured == nullptr;
  for (std::size_t i = 0; i < rows.size() && computes; ++i) {
    b_.tokens[i] = rows[i].token;
    b_.sequences[i] = rows[i].sequence;
    b_.positions[i] = rows[i].position;
  }
  const auto& c = weights_->config;
  const auto count = std::ssize(rows);
  if (auto good =
          rope_table(*ctx_, {.cos = matrix_ref(b_.cos, count, c.head_dim / 2),
                             .sin = matrix_ref(b_.sin, count, c.head_dim / 2),
                             .positions = vector_ref(b_.positions, count),
                             .theta = c.rope_theta});
      !good)
    return good;
  return embedding(*ctx_, {.y = matrix_ref(b_.hidden, count, c.hidden),
                           .ids = vector_ref(b_.tokens, count),
                           .table = weights_->embedding});
}

// normal = norm(hidden), after what the last block gave was added to hidden.
Status Qwen2Forward::norm(const float* weight, std::int64_t rows, bool first) {
  const auto& c = weights_->config;
  RmsNorm::Args args{.y = matrix_ref(b_.normal, rows, c.hidden),
                     .x = matrix_ref(b_.hidden, rows, c.hidden),
                     .w = vector_ref(weight, c.hidden),
                     .eps = c.rms_norm_eps};
  if (!first) {
    args.residual = args.x;
    args.x = matrix_ref(b_.added, rows, c.hidden);
  }
  return rms_norm(*ctx_, args);
}

Status Qwen2Forward::attend(const Qwen2Layer& layer, std::int64_t index,
                            std::int64_t rows, const KvCache& cache) {
  auto& ctx = *ctx_;
  const auto& c = weights_->config;
  const auto x = matrix_ref(b_.normal, rows, c.hidden);
  const auto q = matrix_ref(b_.q, rows, c.q_width());
  const auto k = matrix_ref(b_.k, rows, c.kv_width());
  const auto v = matrix_ref(b_.v, rows, c.kv_width());
  const auto cos = matrix_ref(b_.cos, rows, c.head_dim / 2);
  const auto sin = matrix_ref(b_.sin, rows, c.head_dim / 2);
  const auto attended = matrix_ref(b_.attended, rows, c.q_width());
  const auto pages = cache.layer(index);
  const KvRows at{.page_table = cache.page_table(),
                  .sequences = vector_ref(b_.sequences, rows),
                  .positions = vector_ref(b_.positions, rows)};
  const auto project = [&](const TensorRef& y, const PackedWeight& weight,
                           const float* bias) {
    return [&, y, bias] {
      return linear(ctx, {.y = y,
                          .x = x,
                          .weight = weight,
                          .bias = vector_ref(bias, weight.outputs)});
    };
  };
  const auto turn = [&](const TensorRef& t) {
    return
        [&, t] { return rope(ctx, {.y = t, .x = t, .cos = cos, .sin = sin}); };
  };
  return all_of(
      project(q, layer.q, layer.q_bias), project(k, layer.k, layer.k_bias),
      project(v, layer.v, layer.v_bias), turn(q), turn(k),
      [&] {
        return kv_append(ctx,
                         {.pages = pages, .at = at, .keys = k, .values = v});
      },
      [&] {
        return attention(
            ctx, {.y = attended,
                  .q = q,
                  .pages = pages,
                  .at = at,
                  .heads = c.heads,
                  .scale = static_cast<float>(
                      1.0 / std::sqrt(static_cast<double>(c.head_dim)))});
      },
      [&] {
        return linear(ctx, {.y = matrix_ref(b_.added, rows, c.hidden),
                            .x = attended,
                            .weight = layer.o});
      });
}

Status Qwen2Forward::feed_forward(const Qwen2Layer& layer, std::int64_t rows) {
  auto& ctx = *ctx_;
  const auto& c = weights_->config;
  const auto x = matrix_ref(b_.normal, rows, c.hidden);
  const auto gate = matrix_ref(b_.gate, rows, c.intermediate);
  const auto up = matrix_ref(b_.up, rows, c.intermediate);
  return all_of(
      [&] { return linear(ctx, {.y = gate, .x = x, .weight = layer.gate}); },
      [&] { return linear(ctx, {.y = up, .x = x, .weight = layer.up}); },
      [&] { return swiglu(ctx, {.y = gate, .gate = gate, .up = up}); },
      [&] {
        return linear(ctx, {.y = matrix_ref(b_.added, rows, c.hidden),
                            .x = gate,
                            .weight = layer.down});
      });
}

Result<std::span<float>> Qwen2Forward::head(std::span<const StepRow> rows) {
  const auto& c = weights_->config;
  std::int64_t wanted = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!rows[i].wants_logits) continue;
    const auto to = c.hidden * wanted++;
    if (ctx_->measured == nullptr)
      std::copy_n(b_.normal + static_cast<std::int64_t>(i) * c.hidden, c.hidden,
                  b_.last + to);
  }
  const auto good =
      linear(*ctx_, {.y = matrix_ref(b_.logits, wanted, c.vocabulary_rows),
                     .x = matrix_ref(b_.last, wanted, c.hidden),
                     .weight = weights_->head});
  if (!good) return good.error();
  if (ctx_->measured != nullptr) return std::span<float>{};
  return std::span<float>{b_.logits,
                          static_cast<std::size_t>(wanted * c.vocabulary_rows)};
}

Result<std::span<float>> Qwen2Forward::step(std::span<const StepRow> rows,
                                            KvCache& cache,
                                            const Observer& observer) {
  if (auto good = check(rows, cache); !good) return good.error();
  ctx_->scratch = b_.scratch;  // Models take turns on a device.
  if (auto good = begin(rows); !good) return good.error();
  const auto count = std::ssize(rows);
  const auto& c = weights_->config;
  const auto observe = [&](std::int64_t layer) {
    if (observer)
      observer(layer, {b_.hidden, static_cast<std::size_t>(count * c.hidden)});
  };
  for (std::int64_t i = 0; i < c.layers; ++i) {
    const auto& layer = weights_->layers[static_cast<std::size_t>(i)];
    const auto done =
        all_of([&] { return norm(layer.input_norm, count, i == 0); },
               [&]() -> Status {
                 if (i > 0) observe(i - 1);
                 return attend(layer, i, count, cache);
               },
               [&] { return norm(layer.mlp_norm, count, false); },
               [&] { return feed_forward(layer, count); });
    if (!done) return done.error();
  }
  if (auto good = norm(weights_->norm, count, false); !good)
    return good.error();
  observe(c.layers - 1);
  auto logits = head(rows);
  if (logits)
    for (const auto& row : rows)
      cache.set_length(row.sequence, row.position + 1);
  return logits;
}

}  // namespace troupe
