// Hopper's attention on a device, held to plain loops. Ends with 77, which
// ctest takes as skipped, where there is no device of compute capability 9.0.
// One case a run, so that one that hangs is known by its name.
#include <cuda_runtime.h>

#include <cstdio>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "kernels/hopper/ops.hpp"
#include "tests/hopper_shim/sequences.hpp"

namespace troupe::kernels {
namespace {

constexpr int kSkipped = 77;

/// A copy on the device. Nothing is freed: the program ends.
void* on_device(const void* data, std::size_t bytes) {
  void* copy = nullptr;
  if (cudaMalloc(&copy, bytes) != cudaSuccess ||
      cudaMemcpy(copy, data, bytes, cudaMemcpyHostToDevice) != cudaSuccess)
    return nullptr;
  return copy;
}

TensorRef on_device(const TensorRef& tensor) {
  auto there = tensor;
  std::size_t bytes = dtype_bytes(tensor.dtype);
  for (const auto extent : tensor.shape)
    bytes *= static_cast<std::size_t>(extent);
  there.data = on_device(tensor.data, bytes);
  return there;
}

std::map<std::string, SequenceCase> cases() {
  std::map<std::string, SequenceCase> all;
  const auto add = [&](const char* name, HeadsOf heads,
                       const std::vector<Lengths>& lengths, bool causal) {
    all.try_emplace(name, heads, lengths, causal);
  };
  add("one_tile_64", {1, 1, 64}, {{64, 64}}, false);
  add("one_tile_128", {1, 1, 128}, {{64, 64}}, false);
  add("partial_64", {2, 1, 64}, {{129, 177}}, false);
  add("partial_128", {2, 2, 128}, {{129, 177}}, false);
  add("causal_64", {2, 1, 64}, {{200, 400}}, true);
  add("causal_128", {2, 1, 128}, {{200, 400}}, true);
  add("lengths_64", {4, 2, 64}, {{3, 3}, {0, 7}, {130, 260}, {5, 5}}, true);
  add("lengths_128", {4, 2, 128}, {{3, 3}, {0, 7}, {130, 260}, {5, 5}}, true);
  add("no_keys", {1, 1, 64}, {{300, 90}, {2, 0}}, true);
  add("many_tiles_64", {10, 10, 64}, {{2048, 2048}}, false);
  add("many_tiles_128", {28, 4, 128}, {{1024, 1024}}, true);
  return all;
}

int run(SequenceCase& one) {
  auto args = one.args(one.y);
  for (auto* tensor :
       {&args.q, &args.k, &args.v, &args.y, &args.q_starts, &args.kv_starts})
    *tensor = on_device(*tensor);
  Context ctx;
  ctx.device = {.backend = Backend::cuda, .sm = 90};
  ctx.cuda_ops = hopper_ops();
  if (const auto ran = sequence_attention(ctx, args); !ran) {
    std::fprintf(stderr, "%s\n", ran.error().message.c_str());
    return 1;
  }
  const auto copied =
      cudaMemcpy(one.y.data, args.y.data,
                 static_cast<std::size_t>(one.y.rows * one.y.dim) * 2,
                 cudaMemcpyDeviceToHost);
  if (copied != cudaSuccess) {
    std::fprintf(stderr, "%s\n", cudaGetErrorString(copied));
    return 1;
  }
  const auto close =
      computed(one.used(one.y), one.expected(), one.used(one.q), {1e-2, 1e-2});
  if (!close) std::fprintf(stderr, "%s\n", close.message());
  return close && one.spared_the_rest() ? 0 : 1;
}

}  // namespace
}  // namespace troupe::kernels

int main(int argc, char** argv) {
  auto all = troupe::kernels::cases();
  if (argc == 2 && std::strcmp(argv[1], "--list") == 0) {
    for (const auto& [name, one] : all) std::printf("%s\n", name.c_str());
    return 0;
  }
  const auto found = all.find(argc == 2 ? argv[1] : "");
  if (found == all.end()) {
    std::fprintf(stderr, "usage: %s --list | CASE\n", argv[0]);
    return 2;
  }
  cudaDeviceProp device{};
  if (cudaGetDeviceProperties(&device, 0) != cudaSuccess || device.major != 9 ||
      device.minor != 0) {
    std::printf("skipped: no device of compute capability 9.0\n");
    return troupe::kernels::kSkipped;
  }
  return troupe::kernels::run(found->second);
}
