#include "models/qwen2/engine.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/build_info.hpp"
#include "core/live.hpp"
#include "core/text_params.hpp"
#include "kernels/device_memory.hpp"

namespace troupe {
namespace {

using kernels::kPageTokens;

constexpr std::string_view kEnhance = "text.enhance";

static_assert(kMaxTextChoices <= kEngineSequences);

Error not_finite(const std::string& model, kernels::WeightFormat format) {
  const bool exact = format == kernels::WeightFormat::f32;
  const std::string dtype{to_string(format)};
  return {Errc::corrupt,
          "the model " + model +
              " gave a logit that is no finite number: its weights hold such "
              "numbers, or lead to one in " +
              dtype + "; to find the tensor, type: troupe models check " +
              model + (exact ? "" : "; where that finds none, use dtype=f32")};
}

double thousandths(double value) {
  return std::round(value * 1e3) / 1e3;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

}  // namespace

Result<std::unique_ptr<Qwen2Engine>> Qwen2Engine::make(
    Context& ctx, std::unique_ptr<Qwen2Model> model, const SteadyClock& clock) {
  auto cache = KvCache::make(model->plan.cache, ctx);
  if (!cache) return cache.error();
  auto sampler = TokenSampler::make(ctx, model->plan.sampling);
  if (!sampler) return sampler.error();
  auto forward = Qwen2Forward::make(ctx, model->weights, model->plan.limits);
  if (!forward) return forward.error();
  std::unique_ptr<Qwen2Engine> engine{new Qwen2Engine{
      ctx, std::move(model), std::move(*cache), std::move(*sampler), clock}};
  engine->forward_ = std::make_unique<Qwen2Forward>(std::move(*forward));
  return engine;
}

Result<RunId> Qwen2Engine::admit(const Request& request) {
  const auto& config = model_->weights.config;
  const auto& cache = model_->plan.cache;
  const auto room =
      std::min(config.max_positions, cache.max_sequence_pages * kPageTokens);
  auto resolved = resolve_text_request(
      request, model_->text, {.sequence = room, .pages = cache.pages});
  if (!resolved) return resolved.error();
  Run run;
  run.request = std::make_unique<TextRequest>(std::move(*resolved));
  run.model_hash = request.model_hash;
  run.enhances = request.kind == kEnhance;
  const auto& r = *run.request;
  const auto tokens = std::ssize(r.prompt) + r.max_tokens;
  // All but the last token of the prompt: that one's logits are wanted.
  const auto beginning = std::span{r.prompt}.first(r.prompt.size() - 1);
  for (std::uint32_t i = 0; i < r.choices; ++i) {
    auto sequence = cache_.open(tokens, beginning);
    if (!sequence) {
      for (const auto& seat : run.seats) cache_.close(seat.sequence);
      return sequence.error();
    }
    run.seats.push_back({*sequence, std::make_unique<TextChoice>(
                                        r, model_->text.tokenizer, i)});
  }
  run.admitted_us = clock_->now_us();
  runs_.emplace(next_id_, std::move(run));
  return next_id_++;
}

void Qwen2Engine::cancel(RunId id) {
  const auto run = runs_.find(id);
  if (run == runs_.end()) return;
  for (const auto& seat : run->second.seats)
    if (!seat.choice->ended()) cache_.close(seat.sequence);
  runs_.erase(run);
}

// -- what a step computes -----------------------------------------------------

std::int64_t Qwen2Engine::missing(const Seat& seat) const {
  return std::ssize(seat.choice->tokens()) - cache_.length(seat.sequence);
}

// Of several answers the first computes the prompt for all.
bool Qwen2Engine::waits(const Run& run, std::size_t choice) const {
  const auto& first = run.seats.front();
  return choice > 0 && !first.choice->ended() &&
         cache_.length(first.sequence) < std::ssize(run.request->prompt);
}

void Qwen2Engine::add_rows(const Place& place, std::int64_t most,
                           Batch& batch) {
  const auto& seat = seat_at(place);
  const auto& tokens = seat.choice->tokens();
  const auto first = cache_.length(seat.sequence);
  const auto last = std::min(first + most, std::ssize(tokens));
  for (auto at = first; at < last; ++at)
    batch.rows.push_back({.token = tokens[static_cast<std::size_t>(at)],
                          .sequence = seat.sequence,
                          .position = static_cast<std::int32_t>(at),
                          .wants_logits = at + 1 == std::ssize(tokens)});
  if (last == std::ssize(tokens)) batch.wanting.push_back(place);
}

// Pages of them, which suits the tiles of products too.
std::int64_t Qwen2Engine::rows_of_step(bool answers) const {
  const auto rows = answers ? rate_.rows_in_time() : rate_.lone_rows();
  const auto most = model_->plan.limits.rows;
  if (rows >= static_cast<double>(most)) return most;
  const auto pages = static_cast<std::int64_t>(rows) / kPageTokens;
  return std::clamp(pages * kPageTokens, kPageTokens, most);
}

// Answers that run come first: a long prompt does not hold them up.
Qwen2Engine::Batch Qwen2Engine::plan_step() {
  Batch batch;
  std::vector<Place> prompts;
  for (auto& [id, run] : runs_)
    for (std::size_t i = 0; i < run.seats.size(); ++i) {
      const auto& seat = run.seats[i];
      if (seat.choice->ended() || waits(run, i)) continue;
      if (seat.choice->generated() > 0) {
        add_rows({id, i}, 1, batch);
        continue;
      }
      // Others may have computed more of it since.
      cache_.share(seat.sequence, std::span{run.request->prompt}.first(
                                      run.request->prompt.size() - 1));
      prompts.push_back({id, i});
    }
  const auto most = rows_of_step(!batch.rows.empty());
  for (const auto& place : prompts) {
    const auto left = most - std::ssize(batch.rows);
    if (left <= 0) break;
    add_rows(place, left, batch);
  }
  return batch;
}

// Of the rows whose requests ask for them, before sampling overwrites them.
Status Qwen2Engine::keep_logprobs(const Batch& batch,
                                  std::span<const float> logits) {
  const auto width =
      static_cast<std::size_t>(model_->weights.config.vocabulary_rows);
  const auto vocabulary = model_->text.tokenizer.size();
  logprobs_.assign(batch.wanting.size(), std::nullopt);
  std::vector<float> row;
  for (std::size_t i = 0; i < batch.wanting.size(); ++i) {
    if (!runs_.at(batch.wanting[i].run).request->logprobs) continue;
    row.resize(vocabulary);
    if (auto good = kernels::copy_out(*ctx_, row.data(),
                                      logits.subspan(i * width).data(),
                                      row.size() * sizeof(float));
        !good)
      return good;
    if (auto good = kernels::wait(*ctx_); !good) return good;
    logprobs_[i].emplace(row);
  }
  return ok();
}

Status Qwen2Engine::sample(const Batch& batch, std::span<float> logits) {
  sampled_.assign(batch.wanting.size(), kernels::kNoToken);
  if (batch.wanting.empty()) return ok();
  if (auto good = keep_logprobs(batch, logits); !good) return good;
  sampling_.clear();
  for (const auto& place : batch.wanting)
    sampling_.push_back(seat_at(place).choice->sampling());
  return sampler_.sample(
      sampling_,
      matrix_ref(logits.data(), std::ssize(batch.wanting),
                 model_->weights.config.vocabulary_rows),
      static_cast<std::int64_t>(model_->text.tokenizer.size()), sampled_);
}

Status Qwen2Engine::compute(const Batch& batch) {
  const auto began = clock_->now();
  auto logits = forward_->step(batch.rows, cache_);
  if (!logits) return logits.error();
  if (auto good = sample(batch, *logits); !good) return good;
  if (auto good = kernels::wait(*ctx_); !good) return good;
  rows_computed_ += std::ssize(batch.rows);
  rate_.learn(std::ssize(batch.rows),
              static_cast<double>(clock_->now() - began));
  for (const auto& [id, run] : runs_)
    for (const auto& seat : run.seats)
      if (!seat.choice->ended())
        cache_.remember(seat.sequence, seat.choice->tokens());
  return ok();
}

// -- what came of it ----------------------------------------------------------

void Qwen2Engine::take(const Place& place, TokenId id, const Logprobs* raw,
                       StepReport& report) {
  const auto found = runs_.find(place.run);
  if (found == runs_.end()) return;  // Failed in this step.
  auto& run = found->second;
  if (id == kernels::kNoToken)
    return fail(place.run, not_finite(model_->name, model_->plan.format),
                report);
  if (!std::exchange(run.has_first, true)) run.first_us = clock_->now_us();
  auto& seat = run.seats[place.choice];
  auto& choice = *seat.choice;
  auto piece = choice.take(id, raw);
  if (choice.ended()) cache_.close(seat.sequence);
  if (!piece.empty() && run.request->stream)
    report.events.push_back(
        {place.run,
         Output{.mime = "text/plain",
                .bytes = std::move(piece),
                .choice = choice.index(),
                .index = static_cast<std::uint64_t>(choice.generated())}});
}

void Qwen2Engine::fail(RunId id, Error why, StepReport& report) {
  cancel(id);
  report.events.push_back({id, std::move(why)});
}

// Which arithmetic it was: the same job gives the same text where this is the
// same.
Json Qwen2Engine::engine_json() const {
  Json json{{"family", "qwen2"}, {"version", build_version()}};
  const bool cuda = ctx_->device.backend == Backend::cuda;
  json["isa"] = cuda ? "sm_" + std::to_string(ctx_->device.sm)
                     : std::string(to_string(ctx_->isa));
  json["dtype"] = to_string(model_->plan.format);
  return json;
}

Json Qwen2Engine::result_of(const Run& run) const {
  const auto& request = *run.request;
  auto result = run.seats.front().choice->result();
  if (run.enhances)
    result["prompt"] = trimmed(result["text"].get_ref<const std::string&>());
  std::int64_t generated = 0;
  for (const auto& seat : run.seats) generated += seat.choice->generated();
  const auto later = generated - std::ssize(run.seats);  // Than the first.
  const auto took_us =
      std::max<std::int64_t>(clock_->now_us() - run.first_us, 1);
  result["seed"] = request.sampling.seed;
  result["usage"] = {{"prompt_tokens", request.prompt.size()},
                     {"completion_tokens", generated}};
  result["timing"] = {
      {"first_token_ms",
       thousandths(static_cast<double>(run.first_us - run.admitted_us) / 1e3)},
      {"tokens_per_s", thousandths(1e6 * static_cast<double>(later) /
                                   static_cast<double>(took_us))}};
  result["engine"] = engine_json();
  if (!run.model_hash.empty()) result["model_hash"] = run.model_hash;
  if (request.return_ids) result["prompt_ids"] = request.prompt;
  if (run.seats.size() == 1) return result;
  result["choices"] = Json::array();
  for (const auto& seat : run.seats)
    result["choices"].push_back(seat.choice->result());
  return result;
}

// Of several answers the first computes the prompt.
StepProgress Qwen2Engine::progress_of(const Run& run) const {
  std::int64_t done = 0;
  for (const auto& seat : run.seats) done += seat.choice->generated();
  if (done > 0)
    return {done, run.request->choices * run.request->max_tokens, "token"};
  return {cache_.length(run.seats.front().sequence),
          std::ssize(run.request->prompt), kPromptUnit};
}

void Qwen2Engine::tell(RunId id, StepReport& report) {
  const auto& run = runs_.at(id);
  report.events.push_back({id, progress_of(run)});
  if (!std::ranges::all_of(
          run.seats, [](const Seat& seat) { return seat.choice->ended(); }))
    return;
  report.events.push_back({id, Finished{dump_json(result_of(run))}});
  runs_.erase(id);
}

StepReport Qwen2Engine::step() {
  StepReport report;
  const auto batch = plan_step();
  if (batch.rows.empty()) return report;
  const auto done = compute(batch);
  if (!done && done.error().code == Errc::cancelled) return report;
  std::vector<RunId> all;
  for (const auto& [id, run] : runs_) all.push_back(id);
  if (!done) {
    for (const auto id : all) fail(id, done.error(), report);
    return report;
  }
  for (std::size_t i = 0; i < batch.wanting.size(); ++i)
    take(batch.wanting[i], sampled_[i], logprobs_[i] ? &*logprobs_[i] : nullptr,
         report);
  for (const auto id : all)
    if (runs_.contains(id)) tell(id, report);
  return report;
}

}  // namespace troupe
