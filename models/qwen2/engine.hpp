// Qwen2 writing text: requests join and leave between steps, long prompts are
// computed in chunks beside the answers that run, and what requests begin
// alike is computed once. Serves text.generate and text.enhance.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "models/model.hpp"
#include "models/qwen2/forward.hpp"
#include "models/qwen2/plan.hpp"
#include "models/qwen2/text_choice.hpp"
#include "models/qwen2/text_files.hpp"
#include "models/qwen2/weights.hpp"
#include "models/step_rate.hpp"

namespace troupe {

/// What an engine needs, loaded.
struct Qwen2Model {
  Qwen2Weights weights;
  Qwen2Text text;
  Qwen2Plan plan;
  std::string name;  // What people call it, see called().
};

class Qwen2Engine : public Engine {
 public:
  /// `ctx` and `clock` outlive it. Errors: out_of_memory.
  static Result<std::unique_ptr<Qwen2Engine>> make(
      Context& ctx, std::unique_ptr<Qwen2Model> model,
      const SteadyClock& clock = system_steady_clock());

  /// Reserves the cache for prompt and max_tokens of every choice. Errors:
  /// those of resolve_text_request(); out_of_memory (not now).
  Result<RunId> admit(const Request& request) override;
  void cancel(RunId run) override;

  /// A token for every answer that is past its prompt; prompts with what is
  /// left of the rows that fit into kStepMs. Without answers a prompt may take
  /// up to kLoneStepMs where that is faster.
  StepReport step() override;

  /// Since it was made; what is shared is not computed again.
  std::int64_t rows_computed() const { return rows_computed_; }

 private:
  struct Seat {
    std::int32_t sequence = 0;
    std::unique_ptr<TextChoice> choice;
  };
  struct Run {
    std::unique_ptr<TextRequest> request;
    std::string model_hash;
    bool enhances = false;
    std::vector<Seat> seats;  // By choice.
    std::int64_t admitted_us = 0;
    std::int64_t first_us = 0;  // When the first token was there.
    bool has_first = false;
  };
  struct Place {
    RunId run = 0;
    std::size_t choice = 0;
  };
  // The rows of a step, and whose logits they ask for, in order.
  struct Batch {
    std::vector<StepRow> rows;
    std::vector<Place> wanting;
  };

  Qwen2Engine(Context& ctx, std::unique_ptr<Qwen2Model> model, KvCache cache,
              TokenSampler sampler, const SteadyClock& clock)
      : ctx_{&ctx},
        clock_{&clock},
        model_{std::move(model)},
        cache_{std::move(cache)},
        sampler_{std::move(sampler)} {}
  const Seat& seat_at(const Place& place) const {
    return runs_.at(place.run).seats[place.choice];
  }
  std::int64_t missing(const Seat& seat) const;
  bool waits(const Run& run, std::size_t choice) const;
  void add_rows(const Place& place, std::int64_t most, Batch& batch);
  Batch plan_step();
  Status compute(const Batch& batch);
  Status sample(const Batch& batch, std::span<float> logits);
  Status keep_logprobs(const Batch& batch, std::span<const float> logits);
  void take(const Place& place, TokenId id, const Logprobs* raw,
            StepReport& report);
  StepProgress progress_of(const Run& run) const;
  void tell(RunId id, StepReport& report);
  void fail(RunId id, Error why, StepReport& report);
  Json engine_json() const;
  Json result_of(const Run& run) const;
  std::int64_t rows_of_step(bool answers) const;

  Context* ctx_;
  const SteadyClock* clock_;
  std::unique_ptr<Qwen2Model> model_;
  std::unique_ptr<Qwen2Forward> forward_;
  KvCache cache_;
  TokenSampler sampler_;
  std::map<RunId, Run> runs_;  // The first admitted first.
  RunId next_id_ = 1;
  std::int64_t rows_computed_ = 0;
  StepRate rate_;

  // Of the step at hand.
  std::vector<kernels::SamplingRow> sampling_;
  std::vector<TokenId> sampled_;
  std::vector<std::optional<Logprobs>> logprobs_;
};

}  // namespace troupe
