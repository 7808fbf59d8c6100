#include "models/qwen2/forward.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <set>
#include <string>

#include "kernels/attention.hpp"
#include "kernels/device_memory.hpp"
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

std::int64_t most_sequence_pages(const ForwardLimits& limits) {
  return std::max(limits.sequence_pages,
                  (limits.rows + kPageTokens - 1) / kPageTokens);
}

}  // namespace

DType qwen2_cache_dtype(const Device& device, WeightFormat format) {
  return device.backend == Backend::cuda && format != WeightFormat::f32
             ? DType::bf16
             : DType::f32;
}

Qwen2Forward::Buffers Qwen2Forward::lay_out(const Qwen2Config& c,
                                            const ForwardLimits& limits,
                                            std::size_t scratch_bytes,
                                            Arena& arena) {
  const auto rows = limits.rows;
  Buffers b;
  b.tokens = arena.take<std::int32_t>(3 * rows);
  if (b.tokens != nullptr) {
    b.sequences = b.tokens + rows;
    b.positions = b.sequences + rows;
  }
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

// Of the most rows that one step can have, each in a place of its own; and of
// as many sequences as are decoded at once.
Result<std::size_t> Qwen2Forward::scratch_bytes(const Context& ctx,
                                                const Qwen2Config& config,
                                                WeightFormat format,
                                                const ForwardLimits& limits) {
  Measured measured;
  Context measuring = ctx;
  measuring.measured = &measured;
  const auto weights = counted_qwen2_weights(config, format, ctx.device);
  const auto pages = most_sequence_pages(limits);
  auto cache =
      KvCache::counting({.layers = config.layers,
                         .kv_heads = config.kv_heads,
                         .head_dim = config.head_dim,
                         .pages = pages + limits.logits,
                         .sequences = 1 + limits.logits,
                         .max_sequence_pages = pages,
                         .dtype = qwen2_cache_dtype(ctx.device, format)});
  auto forward = counting(measuring, weights, limits);
  const auto longest = cache.open(limits.rows);
  if (!longest) return longest.error();
  std::vector<StepRow> prefill, decode;
  for (std::int64_t i = 0; i < limits.rows; ++i)
    prefill.push_back({.sequence = *longest,
                       .position = static_cast<std::int32_t>(i),
                       .wants_logits = i < limits.logits});
  for (std::int64_t i = 0; i < std::min(limits.rows, limits.logits); ++i) {
    const auto sequence = cache.open(1);
    if (!sequence) return sequence.error();
    decode.push_back({.sequence = *sequence, .wants_logits = true});
  }
  for (const auto& rows : {prefill, decode})
    if (const auto step = forward.step(rows, cache); !step) return step.error();
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
  auto arena = Arena::allocate(ctx, count.used());
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
  if (const auto most = most_sequence_pages(limits_);
      ctx_->device.backend == Backend::cuda &&
      cache.page_table().shape[1] > most)
    return Error{Errc::invalid_argument,
                 "a cache whose sequences have up to " +
                     std::to_string(cache.page_table().shape[1]) +
                     " pages; the limits of the forward pass say " +
                     std::to_string(most)};
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

// Rows of the step that only decodes these, 0 where it does not: on a CUDA
// device, each alone in its sequence; a power of two, so that few kinds of
// steps are recorded.
std::int64_t Qwen2Forward::decoded_rows(std::span<const StepRow> rows) const {
  if (ctx_->device.backend != Backend::cuda || rows.empty()) return 0;
  const auto filled = static_cast<std::int64_t>(std::bit_ceil(rows.size()));
  if (filled > std::min(limits_.rows, limits_.logits)) return 0;
  std::set<std::int32_t> sequences;
  for (const auto& row : rows)
    if (!row.wants_logits || !sequences.insert(row.sequence).second) return 0;
  return filled;
}

// What the rows are, and that those up to `count` only fill the step.
Status Qwen2Forward::place(std::span<const StepRow> rows, std::int64_t count) {
  if (ctx_->measured != nullptr) return ok();
  const auto width = static_cast<std::size_t>(limits_.rows);
  places_.resize(3 * width);
  auto* const tokens = places_.data();
  auto* const sequences = tokens + width;
  auto* const positions = sequences + width;
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    const bool fills = i >= rows.size();
    tokens[i] = fills ? -1 : rows[i].token;
    sequences[i] = fills ? 0 : rows[i].sequence;
    positions[i] = fills ? -1 : rows[i].position;
  }
  return copy_in(*ctx_, b_.tokens, tokens,
                 places_.size() * sizeof(std::int32_t));
}

Status Qwen2Forward::begin(std::int64_t count) {
  const auto& c = weights_->config;
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
                            std::int64_t rows, bool decode,
                            const KvCache& cache) {
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
        return attention(ctx,
                         {.y = attended,
                          .q = q,
                          .pages = pages,
                          .at = at,
                          .heads = c.heads,
                          .scale = static_cast<float>(
                              1.0 / std::sqrt(static_cast<double>(c.head_dim))),
                          .decode = decode});
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

Status Qwen2Forward::observe(const Observer& observer, std::int64_t layer,
                             std::int64_t rows) {
  if (!observer) return ok();
  std::vector<float> hidden(
      static_cast<std::size_t>(rows * weights_->config.hidden));
  auto good = all_of(
      [&] {
        return copy_out(*ctx_, hidden.data(), b_.hidden,
                        hidden.size() * sizeof(float));
      },
      [&] { return wait(*ctx_); });
  if (good) observer(layer, hidden);
  return good;
}

Status Qwen2Forward::layers(std::int64_t rows, bool decode,
                            const KvCache& cache, const Observer& observer) {
  if (auto good = begin(rows); !good) return good;
  const auto count = weights_->config.layers;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto& layer = weights_->layers[static_cast<std::size_t>(i)];
    auto done =
        all_of([&] { return norm(layer.input_norm, rows, i == 0); },
               [&] { return i == 0 ? ok() : observe(observer, i - 1, rows); },
               [&] { return attend(layer, i, rows, decode, cache); },
               [&] { return norm(layer.mlp_norm, rows, false); },
               [&] { return feed_forward(layer, rows); });
    if (!done) return done;
  }
  return all_of([&] { return norm(weights_->norm, rows, false); },
                [&] { return observe(observer, count - 1, rows); });
}

Status Qwen2Forward::head(const float* x, std::int64_t rows) {
  const auto& c = weights_->config;
  return linear(*ctx_, {.y = matrix_ref(b_.logits, rows, c.vocabulary_rows),
                        .x = matrix_ref(x, rows, c.hidden),
                        .weight = weights_->head});
}

// The rows that want logits, next to each other.
Status Qwen2Forward::gather(std::span<const StepRow> rows) {
  if (ctx_->measured != nullptr) return ok();
  const auto hidden = weights_->config.hidden;
  auto* to = b_.last;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!rows[i].wants_logits) continue;
    const auto* from = b_.normal + static_cast<std::int64_t>(i) * hidden;
    if (auto good = copy(*ctx_, to, from,
                         static_cast<std::size_t>(hidden) * sizeof(float));
        !good)
      return good;
    to += hidden;
  }
  return ok();
}

Result<std::span<float>> Qwen2Forward::step(std::span<const StepRow> rows,
                                            KvCache& cache,
                                            const Observer& observer) {
  if (auto good = check(rows, cache); !good) return good.error();
  ctx_->scratch = b_.scratch;  // Models take turns on a device.
  const auto decoded = decoded_rows(rows);
  const auto count = std::max(decoded, std::ssize(rows));
  const auto wanted = std::ranges::count(rows, true, &StepRow::wants_logits);
  const auto compute = [&]() -> Status {
    if (decoded > 0)
      return all_of([&] { return layers(count, true, cache, observer); },
                    [&] { return head(b_.normal, count); });
    return all_of([&] { return layers(count, false, cache, observer); },
                  [&] { return gather(rows); },
                  [&] { return head(b_.last, wanted); });
  };
  const auto done =
      all_of([&] { return cache.upload(); }, [&] { return place(rows, count); },
             [&] {
               return decoded > 0 && !observer
                          ? decoded_.run(*ctx_, count, cache, compute)
                          : compute();
             });
  if (!done) return done.error();
  for (const auto& row : rows) cache.set_length(row.sequence, row.position + 1);
  if (ctx_->measured != nullptr) return std::span<float>{};
  return std::span<float>{
      b_.logits,
      static_cast<std::size_t>(wanted * weights_->config.vocabulary_rows)};
}

}  // namespace troupe
