#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "kernels/checks.hpp"
#include "kernels/cpu/level.hpp"
#include "kernels/philox.hpp"
#include "kernels/sampling.hpp"
#include "kernels/token_choice.hpp"

namespace troupe::kernels {
namespace {

constexpr double kMinusInfinity = -std::numeric_limits<double>::infinity();

std::span<float> logits_of(const Sampling::Args& a, std::int64_t row) {
  return {data_of<float>(a.logits) + row * a.logits.shape[1],
          static_cast<std::size_t>(a.vocabulary)};
}

double uniform_of(const SamplingRow& row) {
  return token_uniform(row.seed, row.choice, row.position);
}

// -- the truth ----------------------------------------------------------------

std::vector<double> adjusted(const Sampling::Args& a, std::int64_t row) {
  const auto logits = logits_of(a, row);
  const auto& r = a.rows[row];
  std::vector<double> z(logits.begin(), logits.end());
  for (std::int32_t i = 0; i < r.bias_count; ++i)
    z.at(static_cast<std::size_t>(r.biases[i].id)) += double{r.biases[i].bias};
  for (std::int32_t i = 0; i < r.seen_count; ++i) {
    auto& seen = z.at(static_cast<std::size_t>(r.seen[i].id));
    const double penalty = r.repetition_penalty;
    seen = seen < 0 ? seen * penalty : seen / penalty;
    const double times = r.seen[i].generated;
    seen -= times * double{r.frequency_penalty};
    if (times > 0) seen -= double{r.presence_penalty};
  }
  return z;
}

// Ids, likeliest first, of equals the lowest first.
std::vector<std::size_t> sorted(const std::vector<double>& z) {
  std::vector<std::size_t> ids(z.size());
  std::iota(ids.begin(), ids.end(), std::size_t{0});
  std::ranges::stable_sort(
      ids, [&](std::size_t x, std::size_t y) { return z[x] > z[y]; });
  return ids;
}

void keep_top_p(std::vector<double>& weights,
                const std::vector<std::size_t>& ids, double p) {
  double all = 0, before = 0;
  for (const auto weight : weights) all += weight;
  for (const auto id : ids) {
    const auto weight = weights[id];
    if (before >= p * all) weights[id] = 0;
    before += weight;
  }
}

std::int32_t reference_token(const Sampling::Args& a, std::int64_t row) {
  const auto finite = [](float z) { return std::isfinite(z); };
  if (!std::ranges::all_of(logits_of(a, row), finite)) return kNoToken;
  const auto chance = token_probabilities(a, row);
  const auto u = uniform_of(a.rows[row]);
  double sum = 0;
  std::int32_t last = 0;
  for (std::size_t id = 0; id < chance.size() && sum <= u; ++id) {
    if (chance[id] == 0) continue;
    last = static_cast<std::int32_t>(id);
    sum += chance[id];
  }
  return last;
}

std::int32_t choose(const Level& level, const Sampling::Args& a,
                    std::int64_t row) {
  const auto logits = logits_of(a, row);
  const auto& r = a.rows[row];
  adjust_logits(logits, r);
  TokenChoice choice{level, logits};
  if (!choice.is_good()) return kNoToken;
  if (r.temperature == 0) return choice.likeliest();
  choice.filter(r);
  return choice.draw(uniform_of(r));
}

}  // namespace

std::vector<double> token_probabilities(const Sampling::Args& a,
                                        std::int64_t row) {
  const auto z = adjusted(a, row);
  const auto ids = sorted(z);
  const auto& r = a.rows[row];
  std::vector<double> weights(z.size(), 0);
  if (r.temperature == 0) {
    weights[ids.front()] = 1;
    return weights;
  }
  const auto most = z[ids.front()];
  const auto k = static_cast<std::size_t>(r.top_k);
  const bool all = r.top_k <= 0 || k >= z.size();
  const auto least = all ? kMinusInfinity : z[ids[k - 1]];
  for (const auto id : ids)
    if (z[id] >= least)
      weights[id] = std::exp((z[id] - most) / double{r.temperature});
  if (r.top_p < 1) keep_top_p(weights, ids, double{r.top_p});
  double sum = 0;
  for (auto& weight : weights) {
    if (weight < double{r.min_p}) weight = 0;
    sum += weight;
  }
  for (auto& weight : weights) weight /= sum;
  return weights;
}

Status Sampling::supports(const Device&, const Args& a) {
  const auto rows = a.logits.shape[0], width = a.logits.shape[1];
  if (is_matrix(a.logits, DType::f32, rows, width) &&
      is_vector(a.tokens, DType::i32, rows) && rows >= 0 && rows <= kMaxRows &&
      width <= kMaxDim && a.vocabulary >= 1 && a.vocabulary <= width)
    return ok();
  auto refused =
      not_supported(kName, {{"tokens", a.tokens}, {"logits", a.logits}},
                    "i32 tokens [rows], f32 logits [rows < 2^31, 1 to "
                    "1048576], a vocabulary of 1 to that many");
  refused.message += "; it is " + std::to_string(a.vocabulary);
  return refused;
}

void Sampling::reference(const Args& a) {
  for (std::int64_t row = 0; row < a.logits.shape[0]; ++row)
    data_of<std::int32_t>(a.tokens)[row] = reference_token(a, row);
}

void Sampling::cpu(Context& ctx, const Args& a) {
  const auto& level = level_of(ctx.isa);
  ctx.split(a.logits.shape[0], [&](std::int64_t row) {
    data_of<std::int32_t>(a.tokens)[row] = choose(level, a, row);
  });
}

}  // namespace troupe::kernels
