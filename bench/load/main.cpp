// Loading a model's weights, cold, beside the rate at which the disk gives the
// same file in the same round to one stream, as `dd` reads it ("cold"), and to
// the best of several ("cold_of_all"): bf16 as it is stored, the integers as
// `troupe models quantize` packed them. The whole load (tokenizer, cache,
// engine) and a warm one stand beside. Memory that a hypervisor took back is
// made present before each load, as the disk loops have theirs.
//
//   bench_load --model DIR [--rounds N] [--format bf16|int8|int4]
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <optional>
#include <stdexcept>
#include <thread>

#include "bench/load/disk_rate.hpp"
#include "bench/support/figures.hpp"
#include "models/arena.hpp"
#include "models/qwen2/packed_weights.hpp"
#include "models/qwen2/weight_loader.hpp"

namespace troupe::bench {
namespace {

namespace fs = std::filesystem;
using kernels::WeightFormat;

constexpr double kBar = 0.9;

struct Options {
  fs::path model;
  int rounds = 5;
  std::string format;  // Empty: all.
  std::string jsonl;
};

template <class T>
T need(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return *std::move(result);
}

double seconds_of(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  const std::chrono::duration<double> took =
      std::chrono::steady_clock::now() - begin;
  return took.count();
}

class Bench {
 public:
  explicit Bench(const Options& options)
      : o_{options},
        source_{options.model / "hf", options.model / "packed"},
        team_{static_cast<int>(
            std::max(1u, std::thread::hardware_concurrency()))},
        report_{"load", options.jsonl} {
    ctx_.team = &team_;
  }

  int run() {
    if (is_wanted(WeightFormat::bf16))
      run_format(WeightFormat::bf16, source_.folder / "model.safetensors");
    for (const auto format : {WeightFormat::int8, WeightFormat::int4}) {
      if (!is_wanted(format)) continue;
      const auto packed = need(pack_qwen2(source_, format, ctx_, {}));
      run_format(format, packed);
    }
    report_.print_table();
    return report_.all_ok() ? 0 : 1;
  }

 private:
  bool is_wanted(WeightFormat format) const {
    return o_.format.empty() || o_.format == to_string(format);
  }

  void load(WeightFormat format) {
    auto loader = need(Qwen2WeightLoader::open(source_, format, ctx_));
    while (!need(loader.step()).done()) continue;
    if (!loader.remark().empty()) throw std::runtime_error(loader.remark());
    const auto weights = loader.take();
  }

  void load_all(WeightFormat format) {
    for (const auto* family : model_families()) {
      if (family->name != "qwen2") continue;
      const auto loader =
          need(family->open(source_, std::string(to_string(format)), ctx_));
      while (!need(loader->step()).done()) continue;
      const auto engine = loader->take();
    }
  }

  // A free page of a virtual machine may be gone, and cost more to bring back
  // than to read; that would be its host's figure.
  static void have_memory(std::uint64_t bytes) {
    const auto arena = need(Arena::allocate({}, bytes));
    std::fill(arena.data(), arena.data() + bytes, std::byte{1});
  }

  void run_format(WeightFormat format, const fs::path& file) {
    const auto size = fs::file_size(file);
    const auto bytes = static_cast<double>(size);
    std::vector<std::vector<double>> one_stream, all;
    std::vector<double> cold, whole, warm;
    for (int round = 0; round < o_.rounds; ++round) {
      const auto disk = disk_rates(file);
      one_stream.push_back(disk.one_stream);
      all.push_back(disk.one_stream);
      all.back().insert(all.back().end(), disk.several.begin(),
                        disk.several.end());
      make_cold(file);
      have_memory(size);
      const auto took = seconds_of([&] { load(format); });
      cold.push_back(bytes / took);
      make_warm(file);
      have_memory(size);
      warm.push_back(seconds_of([&] { load(format); }));
      make_cold(file);
      have_memory(size);
      whole.push_back(seconds_of([&] { load_all(format); }));
    }
    const auto name = std::string(to_string(format));
    report_.add(beside("cold." + name, cold, best_way(one_stream), kBar));
    report_.add(beside("cold_of_all." + name, cold, best_way(all), {}));
    report_.add(figure("cold_all." + name, median(whole)));
    report_.add(figure("warm." + name, median(warm)));
  }

  static Figure beside(const std::string& name, const std::vector<double>& ours,
                       const std::vector<double>& disk,
                       std::optional<double> bar) {
    return {.name = name,
            .value = median(ours) / 1e6,
            .unit = "MB/s",
            .limit = median(disk) / 1e6,
            .peer = {},
            .ratio = Pairs{ours, disk}.ratio(),
            .bar = bar};
  }

  static Figure figure(const std::string& name, double seconds) {
    return {.name = name,
            .value = seconds * 1e3,
            .unit = "ms",
            .limit = {},
            .peer = {},
            .ratio = {},
            .bar = {},
            .lower_is_better = true};
  }

  const Options& o_;
  ModelSource source_;
  ThreadTeam team_;
  Context ctx_;
  Report report_;
};

}  // namespace
}  // namespace troupe::bench

int main(int argc, char** argv) {
  troupe::bench::Options options;
  CLI::App app{"Loading a model's weights from a cold disk"};
  app.add_option("--model", options.model,
                 "What bench/chat/make_model.py wrote, on the disk in question")
      ->required();
  app.add_option("--rounds", options.rounds, "At least 5 to quote a figure");
  app.add_option("--format", options.format, "Only this one")
      ->check(CLI::IsMember({"bf16", "int8", "int4"}));
  app.add_option("--out", options.jsonl, "JSON lines");
  CLI11_PARSE(app, argc, argv);
  try {
    return troupe::bench::Bench{options}.run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_load: %s\n", error.what());
    return 1;
  }
}
