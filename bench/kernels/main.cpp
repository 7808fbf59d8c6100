// Linear layers of the Qwen2.5-0.5B shapes beside what the machine allows in
// the same round: the rate at which all cores read memory for one row
// (decoding), the rate of products in registers for many (prompts), in every
// format at every instruction level.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <numeric>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "bench/kernels/product_rate.hpp"
#include "bench/support/figures.hpp"
#include "bench/support/read_rate.hpp"
#include "kernels/linear.hpp"
#include "models/arena.hpp"

namespace troupe {
namespace {

using kernels::Linear;
using kernels::PackedWeight;
using kernels::WeightFormat;

constexpr int kRounds = 21;
constexpr int kSlowRounds = 5;       // Of many rows, which vary less.
constexpr std::int64_t kMany = 32;   // Rows from which on products decide.
constexpr std::size_t kRepeats = 8;  // Of a model's layer: beyond any cache.
constexpr std::size_t kReadBytes = 256u << 20;
constexpr std::int64_t kWidest = 4864;
constexpr std::int64_t kRows[] = {1, 4, 32, 256};
constexpr WeightFormat kFormats[] = {WeightFormat::f32, WeightFormat::bf16,
                                     WeightFormat::int8, WeightFormat::int4};

double seconds_of(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
      .count();
}

struct Shape {
  std::int64_t outputs;
  std::int64_t inputs;
};
constexpr Shape kShapes[] = {{896, 896},  {128, 896},  {128, 896}, {896, 896},
                             {4864, 896}, {4864, 896}, {896, 4864}};

/// As the product's weights lie.
Arena arena_of(std::size_t bytes) {
  auto arena = Arena::allocate(bytes);
  TROUPE_ASSERT(static_cast<bool>(arena));
  return std::move(*arena);
}

std::vector<float> random_values(std::int64_t n, float size, unsigned seed) {
  std::mt19937 rng(seed);
  std::normal_distribution<float> normal(0, size);
  std::vector<float> values(static_cast<std::size_t>(n));
  for (auto& value : values) value = normal(rng);
  return values;
}

/// Layers in one format, each in memory of its own.
class Layers {
 public:
  explicit Layers(WeightFormat format)
      : x_{random_values(256 * kWidest, 1, 8)}, y_(256 * kWidest) {
    const auto values = random_values(kWidest * 896, 0.03f, 7);
    for (const auto& [outputs, inputs] : kShapes)
      sizes_.push_back(kernels::packed_bytes(format, outputs, inputs));
    memory_ = arena_of(kRepeats * std::accumulate(sizes_.begin(), sizes_.end(),
                                                  std::size_t{}));
    for (std::size_t repeat = 0; repeat < kRepeats; ++repeat)
      for (std::size_t i = 0; i < std::size(kShapes); ++i) {
        const auto [outputs, inputs] = kShapes[i];
        auto* data = memory_.take_bytes(sizes_[i]);
        weights_.push_back({data, format, outputs, inputs});
        if (repeat == 0)
          kernels::pack_rows(weights_.back(), 0,
                             std::span{values}.first(
                                 static_cast<std::size_t>(outputs * inputs)));
        else
          std::memcpy(data, weights_[i].data, sizes_[i]);
      }
  }

  /// Bytes of weights a second. `repeats` of the layers.
  double rate(Context& ctx, std::int64_t rows, std::size_t repeats) {
    double bytes = 0;
    const auto count = repeats * std::size(kShapes);
    for (std::size_t i = 0; i < count; ++i)
      bytes += static_cast<double>(sizes_[i % std::size(kShapes)]);
    return bytes / seconds_of([&] {
             for (std::size_t i = 0; i < count; ++i) compute(ctx, i, rows);
           });
  }

  /// Of a byte of weights, for that many rows.
  double operations(std::int64_t rows) const {
    double all = 0, bytes = 0;
    for (std::size_t i = 0; i < std::size(kShapes); ++i) {
      all += 2.0 *
             static_cast<double>(kShapes[i].outputs * kShapes[i].inputs * rows);
      bytes += static_cast<double>(sizes_[i]);
    }
    return all / bytes;
  }

  /// One layer's outputs against plain loops, so that no wrong answer is
  /// timed.
  bool is_right(Context& ctx) {
    auto args = compute(ctx, 0, 3);
    std::vector<float> expected(3 * 896);
    const auto ours = std::span{y_}.first(expected.size());
    args.y = matrix_ref(expected.data(), 3, 896);
    Linear::reference(args);
    double difference = 0, size = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      difference += std::pow(double{ours[i]} - expected[i], 2);
      size += std::pow(double{expected[i]}, 2);
    }
    return size > 0 && difference <= 1e-4 * size;
  }

 private:
  Linear::Args compute(Context& ctx, std::size_t index, std::int64_t rows) {
    const auto& w = weights_[index];
    const Linear::Args args{.y = matrix_ref(y_.data(), rows, w.outputs),
                            .x = matrix_ref(x_.data(), rows, w.inputs),
                            .weight = w,
                            .bias = {}};
    scratch_.resize(
        std::max(scratch_.size(), Linear::workspace_bytes({}, args)));
    ctx.scratch = scratch_;
    const auto done = linear(ctx, args);
    TROUPE_ASSERT(static_cast<bool>(done));
    return args;
  }

  std::vector<float> x_, y_;
  Arena memory_;
  std::vector<std::size_t> sizes_;  // Of kShapes.
  std::vector<PackedWeight> weights_;
  std::vector<std::byte> scratch_;
};

/// One case, round by round: ours, and what was possible.
struct Case {
  Layers* layers;
  WeightFormat format;
  std::int64_t rows;
  std::vector<double> rates;  // Bytes of weights a second.
  std::vector<double> limits;
  std::vector<double> ratios;
};

void add_figure(bench::Report& report, IsaLevel isa, const Case& c) {
  const bool reads = c.rows < kMany;
  const double unit = reads ? 1e9 : 1e9 / c.layers->operations(c.rows);
  report.add({.name = std::string(to_string(isa)) + "." +
                      std::string(to_string(c.format)) + ".rows" +
                      std::to_string(c.rows),
              .value = bench::median(c.rates) / unit,
              .unit = reads ? "GB/s of weights" : "GOP/s",
              .limit = bench::median(c.limits) / 1e9,
              .peer = {},
              .ratio = bench::median(c.ratios),
              .bar = {}});
}

void run_level(Context& ctx, std::vector<Case>& cases,
               std::span<const std::byte> large, bench::Report& report) {
  for (auto& c : cases) c.rates = c.limits = c.ratios = {};
  for (int round = 0; round < kRounds; ++round) {
    const double reads = bench::read_rate(ctx, large);
    for (auto& c : cases) {
      const bool many = c.rows >= kMany;
      if (many && round >= kSlowRounds) continue;
      c.rates.push_back(c.layers->rate(ctx, c.rows, many ? 1 : kRepeats));
      c.limits.push_back(many ? bench::product_rate(ctx, c.format) : reads);
      c.ratios.push_back(c.rates.back() / c.limits.back() *
                         (many ? c.layers->operations(c.rows) : 1));
    }
  }
  for (const auto& c : cases) add_figure(report, ctx.isa, c);
}

int run(const std::string& jsonl) {
  ThreadTeam team{
      static_cast<int>(std::max(1u, std::thread::hardware_concurrency()))};
  Context ctx;
  ctx.team = &team;
  auto memory = arena_of(kReadBytes);
  const std::span large{memory.take_bytes(kReadBytes), kReadBytes};
  std::memset(large.data(), 1, large.size());
  std::vector<std::unique_ptr<Layers>> layers;
  std::vector<Case> cases;
  for (const auto format : kFormats) {
    layers.push_back(std::make_unique<Layers>(format));
    for (const auto rows : kRows)
      cases.push_back({layers.back().get(), format, rows, {}, {}, {}});
  }
  bench::Report report{"kernels", jsonl};
  for (const auto isa : isa_levels_here()) {
    if (isa == IsaLevel::baseline) continue;  // Of no processor in use.
    ctx.isa = isa;
    for (auto& l : layers)
      if (!l->is_right(ctx)) {
        std::fprintf(stderr, "%s computes wrong products\n",
                     std::string(to_string(isa)).c_str());
        return 1;
      }
    run_level(ctx, cases, large, report);
  }
  report.print_table();
  return report.all_ok() ? 0 : 1;
}

}  // namespace
}  // namespace troupe

int main(int argc, char** argv) {
  std::string jsonl;
  for (int i = 1; i + 1 < argc; ++i)
    if (std::string{argv[i]} == "--out") jsonl = argv[i + 1];
  return troupe::run(jsonl);
}
