// Everything that is measured on a CUDA device, in one run: the ceilings, then
// attention, sampling, loads and decoding beside them. The names are the rows
// of the project's table of bars. Without a device it says why, and ends with
// an exit code of its own. Has not run on a device yet.
//
//   bench_device [--out FILE] [--device N] [--hopper] [--models DIR]
//                [--only LETTERS]
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "bench/device/sections.hpp"
#include "kernels/cuda_context.hpp"
#include "kernels/hopper/ops.hpp"

namespace troupe::bench {
namespace {

namespace fs = std::filesystem;

constexpr int kMissed = 1;
constexpr int kFailed = 3;
constexpr int kNoDevice = 4;

struct Options {
  std::string jsonl;
  std::uint32_t device = 0;
  bool hopper = false;
  fs::path models = fs::temp_directory_path() / "troupe-bench-models";
  std::string only = "ADSLM";
};

int measure(OpenCudaDevice& device, const Options& options) {
  auto& ctx = device.context();
  Report report{"device", options.jsonl};
  if (options.hopper) ctx.cuda_ops = kernels::hopper_ops();
  Bench bench{.ctx = ctx,
              .report = report,
              .ceilings = ceilings(ctx, report),
              .hopper = options.hopper};
  const auto wanted = [&](const char* letters) {
    return options.only.find_first_of(letters) != std::string::npos;
  };
  if (wanted("A")) run_sequence_attention(bench);
  if (wanted("AD")) run_paged_attention(bench);
  if (wanted("S")) run_sampling(bench);
  if (wanted("LM"))
    for (const auto& shape : model_shapes()) {
      const auto folder = options.models / shape.name;
      write_model(shape, folder);
      run_model(bench, shape, folder);
    }
  report.print_table();
  return report.all_ok() ? 0 : kMissed;
}

int run(const Options& options) {
  auto device = OpenCudaDevice::open(options.device, 0);
  if (!device) {
    std::fprintf(stderr, "bench_device: nothing was measured: %s\n",
                 device.error().message.c_str());
    return device.error().code == Errc::not_found ? kNoDevice : kFailed;
  }
  const auto sm = (*device)->context().device.sm;
  if (options.hopper && sm != kHopperSm) {
    std::fprintf(stderr,
                 "bench_device: --hopper is for devices of compute capability "
                 "9.0; this one has %d.%d: leave it out\n",
                 sm / 10, sm % 10);
    return kFailed;
  }
  try {
    return measure(**device, options);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "bench_device: %s\n", failure.what());
    return kFailed;
  }
}

}  // namespace
}  // namespace troupe::bench

int main(int argc, char** argv) {
  troupe::bench::Options options;
  CLI::App app{"Measures a CUDA device beside what it can do at most"};
  app.add_option("--out", options.jsonl, "Figures, a line of JSON each");
  app.add_option("--device", options.device, "CUDA's number of it");
  app.add_flag("--hopper", options.hopper, "With Hopper's own kernels");
  app.add_option("--models", options.models,
                 "Where the models of random weights are, or are written: 17 "
                 "GB, and as much memory free to keep them warm");
  app.add_option("--only", options.only,
                 "Rows by their first letters, of ADSLM");
  CLI11_PARSE(app, argc, argv);
  return troupe::bench::run(options);
}
