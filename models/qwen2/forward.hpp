// One step of a Qwen2 model: rows of any open sequences, prompts and single
// tokens side by side, through all layers. Chooses no token and opens no
// sequence.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "core/result.hpp"
#include "kernels/context.hpp"
#include "models/arena.hpp"
#include "models/kv_cache.hpp"
#include "models/qwen2/weights.hpp"
#include "models/recorded_steps.hpp"

namespace troupe {

struct StepRow {
  TokenId token = 0;
  std::int32_t sequence = 0;  // Open in the cache.
  std::int32_t position = 0;  // The sequence's length, one more per row.
  bool wants_logits = false;
};

struct ForwardLimits {
  std::int64_t rows = 0;    // In one step, at most.
  std::int64_t logits = 0;  // Of them that want logits, at most.
  /// Of one sequence in the caches it will meet; 0: what the rows of one step
  /// fill. A CUDA device's scratch depends on it.
  std::int64_t sequence_pages = 0;
};

/// Of the numbers in the cache: bf16 on a CUDA device, unless the weights are
/// f32.
DType qwen2_cache_dtype(const Device& device, kernels::WeightFormat format);

/// Used by one thread, with the Context it was made for.
class Qwen2Forward {
 public:
  /// Sees what each layer gives, [rows, hidden], before the next uses it; in
  /// the program's memory.
  using Observer =
      std::function<void(std::int64_t layer, std::span<const float> hidden)>;

  /// What make() takes, the ops' scratch included: one step of the largest
  /// size, measured and not computed. Errors: invalid_argument, unsupported: an
  /// op refuses the model's shape.
  static Result<std::uint64_t> bytes_for(const Context& ctx,
                                         const Qwen2Config& config,
                                         kernels::WeightFormat format,
                                         const ForwardLimits& limits);
  /// Without memory; `ctx` measures. Its steps give no logits.
  static Qwen2Forward counting(Context& ctx, const Qwen2Weights& weights,
                               const ForwardLimits& limits) {
    return {ctx, weights, limits};
  }
  /// `ctx` and `weights` outlive it. Errors: out_of_memory, those of
  /// bytes_for().
  static Result<Qwen2Forward> make(Context& ctx, const Qwen2Weights& weights,
                                   const ForwardLimits& limits);

  /// The logits of the rows that want them, in their order, [n, vocabulary
  /// rows], in the device's memory, the caller's until the next step. A row's
  /// values do not depend on which others are in the step. On a CUDA device
  /// all is only begun (kernels/device_memory.hpp: wait), and a step of rows
  /// that are each alone in their sequence and want logits is recorded and
  /// launched as one, filled up to a power of two. On an error the sequences'
  /// lengths are as before, and the step may be made again. Errors:
  /// invalid_argument (a row out of range or out of order), too_large (over the
  /// limits), cancelled, device_lost.
  Result<std::span<float>> step(std::span<const StepRow> rows, KvCache& cache,
                                const Observer& observer = {});

 private:
  // Of a step's rows; see lay_out().
  struct Buffers {
    // One block, since it goes to the device in one piece.
    std::int32_t* tokens = nullptr;
    std::int32_t* sequences = nullptr;
    std::int32_t* positions = nullptr;
    float* cos = nullptr;
    float* sin = nullptr;
    float* hidden = nullptr;
    float* normal = nullptr;
    float* q = nullptr;
    float* k = nullptr;
    float* v = nullptr;
    float* attended = nullptr;
    float* added = nullptr;  // What the next norm adds to hidden.
    float* gate = nullptr;
    float* up = nullptr;
    float* last = nullptr;  // The rows that want logits.
    float* logits = nullptr;
    std::span<std::byte> scratch;  // Of the ops.
  };

  Qwen2Forward(Context& ctx, const Qwen2Weights& weights,
               const ForwardLimits& limits)
      : ctx_{&ctx}, weights_{&weights}, limits_{limits} {}
  static Buffers lay_out(const Qwen2Config& config, const ForwardLimits& limits,
                         std::size_t scratch_bytes, Arena& arena);
  static Result<std::size_t> scratch_bytes(const Context& ctx,
                                           const Qwen2Config& config,
                                           kernels::WeightFormat format,
                                           const ForwardLimits& limits);
  Status check(std::span<const StepRow> rows, const KvCache& cache) const;
  std::int64_t decoded_rows(std::span<const StepRow> rows) const;
  Status place(std::span<const StepRow> rows, std::int64_t count);
  Status begin(std::int64_t count);
  Status attend(const Qwen2Layer& layer, std::int64_t index, std::int64_t rows,
                bool decode, const KvCache& cache);
  Status feed_forward(const Qwen2Layer& layer, std::int64_t rows);
  Status norm(const float* weight, std::int64_t rows, bool first);
  Status layers(std::int64_t rows, bool decode, const KvCache& cache,
                const Observer& observer);
  Status head(const float* x, std::int64_t rows);
  Status gather(std::span<const StepRow> rows);
  Status observe(const Observer& observer, std::int64_t layer,
                 std::int64_t rows);

  Context* ctx_;
  const Qwen2Weights* weights_;
  ForwardLimits limits_;
  Arena memory_;
  Buffers b_;
  std::vector<std::int32_t> places_;  // As b_.tokens.
  RecordedSteps decoded_;
};

}  // namespace troupe
