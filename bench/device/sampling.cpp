#include "kernels/sampling.hpp"

#include <cstring>

#include "bench/device/sections.hpp"
#include "kernels/device_memory.hpp"

namespace troupe::bench {
namespace {

using kernels::SamplingRow;
using kernels::SeenToken;

constexpr std::int64_t kVocabulary = 151'936;
constexpr std::int32_t kSeen = 1'024;  // Tokens of a prompt and an answer.

struct Shape {
  const char* name;
  std::int64_t rows;
  std::optional<double> bar;  // Microseconds.
};
constexpr Shape kShapes[] = {{"S1.sample.b1", 1, 25},
                             {"S2.sample.b64", 64, 60},
                             {"S2.sample.b256", 256, 150}};

/// Rows with every filter, and the lists they share.
class Rows {
 public:
  Rows(Context& ctx, std::int64_t count) : count_{count} {
    for (std::int32_t i = 0; i < kSeen; ++i)
      seen_.push_back({.id = i * 148, .generated = i % 2});
    const std::span<const SeenToken> seen{seen_};
    seen_there_ = put<std::byte>(ctx, std::as_bytes(seen));
    for (std::int64_t i = 0; i < count; ++i)
      rows_.push_back(
          {.temperature = 0.8f,
           .top_k = 50,
           .top_p = 0.9f,
           .min_p = 0.02f,
           .repetition_penalty = 1.1f,
           .choice = static_cast<std::uint32_t>(i),
           .position = 7,
           .seed = 11,
           .seen = reinterpret_cast<const SeenToken*>(seen_there_.data()),
           .seen_count = kSeen});
    rows_there_ =
        put<std::byte>(ctx, std::as_bytes(std::span<const SamplingRow>{rows_}));
    logits_ =
        normal_numbers(static_cast<std::size_t>(count * kVocabulary), 3, 5);
    fresh_ = put<float>(ctx, logits_);
    used_ = room(ctx, logits_.size() * sizeof(float));
    tokens_ = room(ctx, static_cast<std::size_t>(count) * sizeof(std::int32_t));
  }

  /// Sampling writes over the logits: they are brought back before.
  Status bring(Context& ctx) const {
    return kernels::copy(ctx, used_.data(), fresh_.data(),
                         logits_.size() * sizeof(float));
  }
  Status sample(Context& ctx) const {
    return kernels::sampling(
        ctx,
        {.tokens = vector_ref(
             reinterpret_cast<const std::int32_t*>(tokens_.data()), count_),
         .logits = matrix_ref(reinterpret_cast<const float*>(used_.data()),
                              count_, kVocabulary),
         .vocabulary = kVocabulary,
         .rows = reinterpret_cast<const SamplingRow*>(rows_there_.data())});
  }

  /// Against the CPU's own choice, for the last row. Sums are added in another
  /// order there, so a choice between two may fall otherwise: it has to be one
  /// that could be made.
  void check(Context& ctx) {
    const auto tokens = brought<std::int32_t>(ctx, tokens_.data(),
                                              static_cast<std::size_t>(count_));
    auto row = rows_.back();
    row.seen = seen_.data();
    std::int32_t none = kernels::kNoToken;
    const auto likely = kernels::token_probabilities(
        {.tokens = vector_ref(&none, 1),
         .logits = matrix_ref(logits_.data() + (count_ - 1) * kVocabulary, 1,
                              kVocabulary),
         .vocabulary = kVocabulary,
         .rows = &row},
        0);
    const auto token = tokens.back();
    if (token < 0 || token >= kVocabulary ||
        !(likely[static_cast<std::size_t>(token)] > 0))
      throw std::runtime_error("sampling chose a token that no filter left");
  }

 private:
  std::int64_t count_;
  std::vector<SeenToken> seen_;
  std::vector<SamplingRow> rows_;
  std::vector<float> logits_;
  Arena seen_there_, rows_there_, fresh_, used_, tokens_;
};

}  // namespace

void run_sampling(Bench& bench) {
  auto& ctx = bench.ctx;
  for (const auto& shape : kShapes) {
    Rows rows{ctx, shape.rows};
    need(rows.bring(ctx));
    need(rows.sample(ctx));
    rows.check(ctx);
    const auto bringing =
        seconds_on(ctx, 16, [&](int) { return rows.bring(ctx); });
    const auto both = seconds_on(ctx, 16, [&](int) {
      auto good = rows.bring(ctx);
      return good ? rows.sample(ctx) : good;
    });
    const auto read =
        static_cast<double>(shape.rows * kVocabulary) * sizeof(float);
    bench.report.add({.name = shape.name,
                      .value = (both - bringing) * 1e6,
                      .unit = "us",
                      .limit = read / bench.ceilings.copy * 1e6,
                      .peer = {},
                      .ratio = {},
                      .bar = shape.bar,
                      .lower_is_better = true});
  }
}

}  // namespace troupe::bench
