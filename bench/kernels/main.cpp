// Linear layers of the Qwen2.5-0.5B shapes beside what the machine allows in
// the same run: the read rate of its memory for one row (decoding), the rate
// of products for many (prompts), in every format at every instruction level.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "bench/support/figures.hpp"
#include "kernels/linear.hpp"

namespace troupe {
namespace {

using kernels::Linear;
using kernels::PackedWeight;
using kernels::WeightFormat;

constexpr int kRounds = 9;
constexpr int kRepeats = 12;  // Of the 24 layers.

double seconds_of(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
      .count();
}

struct Memory {
  explicit Memory(std::size_t bytes)
      : size{bytes}, data{new (std::align_val_t{64}) std::byte[bytes]} {}
  ~Memory() { ::operator delete[](data, std::align_val_t{64}); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  std::size_t size;
  std::byte* data;
};

/// Reads all of it with several streams at once, each a part of its own.
std::uint64_t read_all(const Context& ctx, const Memory& memory) {
  constexpr std::int64_t kParts = 64;
  std::vector<std::uint64_t> sums(kParts);
  const auto part = memory.size / kParts / 64 * 64;
  ctx.split(kParts, [&](std::int64_t p) {
    const auto* at = memory.data + static_cast<std::size_t>(p) * part;
    std::uint64_t sum[8] = {};
    for (std::size_t i = 0; i < part; i += 64)
      for (std::size_t j = 0; j < 8; ++j) {
        std::uint64_t word;
        std::memcpy(&word, at + i + j * 8, 8);
        sum[j] += word;
      }
    for (const auto s : sum) sums[static_cast<std::size_t>(p)] += s;
  });
  std::uint64_t all = 0;
  for (const auto s : sums) all += s;
  return all;
}

struct Layer {
  std::int64_t outputs;
  std::int64_t inputs;
};

class Model {
 public:
  /// Half of the model's layers: more than any cache holds.
  explicit Model(WeightFormat format) {
    const Layer layers[] = {{896, 896},  {128, 896},  {128, 896}, {896, 896},
                            {4864, 896}, {4864, 896}, {896, 4864}};
    std::mt19937 rng(7);
    std::normal_distribution<float> normal(0, 0.03f);
    std::vector<float> values(4864 * 896);
    for (auto& value : values) value = normal(rng);
    for (int repeat = 0; repeat < kRepeats; ++repeat)
      for (const auto& layer : layers) {
        auto& memory = memories_.emplace_back(std::make_unique<Memory>(
            kernels::packed_bytes(format, layer.outputs, layer.inputs)));
        PackedWeight weight{memory->data, format, layer.outputs, layer.inputs};
        const auto elements =
            static_cast<std::size_t>(layer.outputs * layer.inputs);
        kernels::pack_rows(weight, 0, std::span{values}.first(elements));
        bytes_ += memory->size;
        weights_.push_back(weight);
      }
  }

  double bytes() const { return static_cast<double>(bytes_); }
  double products(std::int64_t rows) const {
    double all = 0;
    for (const auto& w : weights_)
      all += 2.0 * static_cast<double>(w.outputs * w.inputs * rows);
    return all;
  }
  bool run(Context& ctx, std::int64_t rows) {
    x_.resize(static_cast<std::size_t>(rows) * 4864, 0.5f);
    y_.resize(static_cast<std::size_t>(rows) * 4864);
    for (const auto& w : weights_) {
      const Linear::Args args{.y = matrix_ref(y_.data(), rows, w.outputs),
                              .x = matrix_ref(x_.data(), rows, w.inputs),
                              .weight = w,
                              .bias = {}};
      scratch_.resize(
          std::max(scratch_.size(), Linear::workspace_bytes({}, args)));
      ctx.scratch = scratch_;
      if (!linear(ctx, args)) return false;
    }
    return true;
  }
  void fill_inputs() {
    std::mt19937 rng(8);
    std::normal_distribution<float> normal;
    x_.resize(256 * 4864);
    for (auto& value : x_) value = normal(rng);
  }

 private:
  std::vector<std::unique_ptr<Memory>> memories_;
  std::vector<PackedWeight> weights_;
  std::size_t bytes_ = 0;
  std::vector<float> x_, y_;
  std::vector<std::byte> scratch_;
};

int run(const std::string& jsonl) {
  const int threads =
      static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  ThreadTeam team{threads};
  bench::Report report{"kernels", jsonl};
  Memory large{256u << 20};
  std::memset(large.data, 1, large.size);
  for (const auto isa : isa_levels_here()) {
    if (isa == IsaLevel::baseline) continue;
    for (const auto format : {WeightFormat::f32, WeightFormat::bf16,
                              WeightFormat::int8, WeightFormat::int4}) {
      Model model{format};
      model.fill_inputs();
      Context ctx;
      ctx.isa = isa;
      ctx.team = &team;
      std::vector<double> reads, decodes, four, prompts;
      for (int round = 0; round < kRounds; ++round) {
        std::uint64_t sum = 0;
        reads.push_back(static_cast<double>(large.size) /
                        seconds_of([&] { sum = read_all(ctx, large); }));
        if (sum == 0) return 1;
        bool good = true;
        decodes.push_back(model.bytes() / seconds_of([&] {
                            good = good && model.run(ctx, 1);
                          }));
        four.push_back(seconds_of([&] { good = good && model.run(ctx, 4); }));
        if (round % 3 == 0)
          prompts.push_back(model.products(256) / seconds_of([&] {
                              good = good && model.run(ctx, 256);
                            }));
        if (!good) return 1;
      }
      const auto name =
          std::string(to_string(isa)) + "." + std::string(to_string(format));
      const double read = *std::max_element(reads.begin(), reads.end());
      const double decode = bench::median(decodes);
      report.add({.name = name + ".decode",
                  .value = decode / 1e9,
                  .unit = "GB/s",
                  .limit = read / 1e9,
                  .peer = {},
                  .ratio = decode / read,
                  .bar = {}});
      report.add({.name = name + ".rows4",
                  .value = 4 * model.bytes() / bench::median(four) / decode,
                  .unit = "x one row",
                  .limit = {},
                  .peer = {},
                  .ratio = {},
                  .bar = {}});
      report.add({.name = name + ".rows256",
                  .value = bench::median(prompts) / 1e9,
                  .unit = "GOP/s",
                  .limit = {},
                  .peer = {},
                  .ratio = {},
                  .bar = {}});
    }
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
