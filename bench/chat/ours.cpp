#include "bench/chat/ours.hpp"

#include <time.h>

#include <stdexcept>
#include <string>

#include "codec/json.hpp"

namespace troupe::bench {
namespace {

using kernels::WeightFormat;

template <class T>
T need(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return *std::move(result);
}

class Stopwatch {
 public:
  explicit Stopwatch(Clock clock)
      : clock_{clock == Clock::cpu ? CLOCK_PROCESS_CPUTIME_ID
                                   : CLOCK_MONOTONIC} {}
  double seconds() const { return now() - begin_; }

 private:
  double now() const {
    timespec time{};
    ::clock_gettime(clock_, &time);
    return static_cast<double>(time.tv_sec) +
           static_cast<double>(time.tv_nsec) * 1e-9;
  }

  clockid_t clock_;
  double begin_ = now();
};

const ModelFamily& qwen2() {
  for (const auto* family : model_families())
    if (family->name == "qwen2") return *family;
  throw std::runtime_error("no family qwen2");
}

}  // namespace

OurModel::OurModel(const std::filesystem::path& folder, WeightFormat format,
                   Context& ctx, Clock clock)
    : clock_{clock} {
  const auto loader =
      need(qwen2().open(folder, std::string(to_string(format)), ctx));
  while (!need(loader->step()).done()) continue;
  engine_ = loader->take();
}

void OurModel::admit(int prompt, int max_tokens) {
  std::string digits;  // A token each.
  for (int i = 0; i < prompt; ++i)
    digits += static_cast<char>('0' + random_() % 10);
  need(engine_->admit({"text.generate", dump_json({{"prompt", digits},
                                                   {"max_tokens", max_tokens},
                                                   {"temperature", 0},
                                                   {"ignore_eos", true}})}));
}

double OurModel::decode(int sequences, int prompt, int steps) {
  const auto before = engine().rows_computed();
  for (int i = 0; i < sequences; ++i) admit(prompt, steps + 1);
  while (engine().rows_computed() < before + sequences * prompt)
    engine_->step();
  const auto first = engine().rows_computed();
  const Stopwatch watch{clock_};
  bool running = true;
  while (running) {
    const auto rows = engine().rows_computed();
    const auto events = engine_->step().events;
    running = !events.empty() && engine().rows_computed() > rows;
  }
  return static_cast<double>(engine().rows_computed() - first) /
         watch.seconds();
}

double OurModel::prefill(int tokens) {
  const auto before = engine().rows_computed();
  const Stopwatch watch{clock_};
  admit(tokens, 1);
  while (engine().rows_computed() < before + tokens) engine_->step();
  return tokens / watch.seconds();
}

std::vector<float> our_logits(const std::filesystem::path& folder,
                              WeightFormat format, Context& ctx,
                              const std::vector<TokenId>& ids) {
  auto loader = need(Qwen2WeightLoader::open(folder, format));
  while (!need(loader.step()).done()) continue;
  const auto weights = loader.take();
  const auto& c = weights.config;
  const auto rows = std::ssize(ids);
  auto cache = need(
      KvCache::make({.layers = c.layers,
                     .kv_heads = c.kv_heads,
                     .head_dim = c.head_dim,
                     .pages = rows / kernels::kPageTokens + 1,
                     .sequences = 1,
                     .max_sequence_pages = rows / kernels::kPageTokens + 1}));
  auto forward =
      need(Qwen2Forward::make(ctx, weights, {.rows = rows, .logits = rows}));
  const auto sequence = need(cache.open(rows));
  std::vector<StepRow> step;
  for (std::int64_t i = 0; i < rows; ++i)
    step.push_back({.token = ids[static_cast<std::size_t>(i)],
                    .sequence = sequence,
                    .position = static_cast<std::int32_t>(i),
                    .wants_logits = true});
  const auto logits = need(forward.step(step, cache));
  return {logits.begin(), logits.end()};
}

}  // namespace troupe::bench
