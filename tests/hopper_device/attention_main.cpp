// Hopper's attention on a device, held to plain loops. Ends with 77, which
// ctest takes as skipped, where there is no device of compute capability 9.0.
// One case a run, so that one that hangs is known by its name.
#include <cuda_runtime.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "kernels/hopper/ops.hpp"
#include "kernels/hopper/prefill.hpp"
#include "tests/hopper_shim/decode_case.hpp"
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

// Queries and weights of 8 bits.
constexpr Tolerance kAllowed{1e-2, 1e-2};

Context hopper() {
  Context ctx;
  ctx.device = {.backend = Backend::cuda, .sm = 90};
  ctx.cuda_ops = hopper_ops();
  return ctx;
}

bool copied_back(void* to, const TensorRef& from, std::size_t bytes) {
  const auto copied = cudaMemcpy(to, from.data, bytes, cudaMemcpyDeviceToHost);
  if (copied != cudaSuccess)
    std::fprintf(stderr, "%s\n", cudaGetErrorString(copied));
  return copied == cudaSuccess;
}

bool said(const ::testing::AssertionResult& result) {
  if (!result) std::fprintf(stderr, "%s\n", result.message());
  return static_cast<bool>(result);
}

bool attends(const HeadsOf& heads, const std::vector<Lengths>& lengths,
             bool causal) {
  SequenceCase one{heads, lengths, causal};
  auto args = one.args(one.y);
  for (auto* tensor :
       {&args.q, &args.k, &args.v, &args.y, &args.q_starts, &args.kv_starts})
    *tensor = on_device(*tensor);
  auto ctx = hopper();
  if (const auto ran = sequence_attention(ctx, args); !ran) {
    std::fprintf(stderr, "%s\n", ran.error().message.c_str());
    return false;
  }
  const auto bytes = static_cast<std::size_t>(one.y.rows * one.y.dim) * 2;
  return copied_back(one.y.data, args.y, bytes) && one.spared_the_rest() &&
         said(computed(one.used(one.y), one.expected(), one.used(one.q),
                       kAllowed));
}

bool attends_pages(DecodeCase one, bool decode) {
  auto args = one.args();
  args.decode = decode;
  for (auto* tensor : {&args.q, &args.y, &args.at.page_table,
                       &args.at.sequences, &args.at.positions})
    *tensor = on_device(*tensor);
  const auto bytes = one.keys.size() * sizeof(one.keys[0]);
  args.pages.keys = on_device(one.keys.data(), bytes);
  args.pages.values = on_device(one.values.data(), bytes);
  auto ctx = hopper();
  const std::vector<std::byte> scratch(std::max(
      Attention::workspace_bytes(ctx.device, args), prefill_bytes(args)));
  ctx.scratch = {
      static_cast<std::byte*>(on_device(scratch.data(), scratch.size())),
      scratch.size()};
  if (const auto ran = attention(ctx, args); !ran) {
    std::fprintf(stderr, "%s\n", ran.error().message.c_str());
    return false;
  }
  return copied_back(one.y.data(), args.y, one.y.size() * sizeof(float)) &&
         said(computed(one.y, one.expected(), one.q, kAllowed));
}

using Cases = std::map<std::string, std::function<bool()>>;

Cases cases() {
  const std::vector<Lengths> mixed{{3, 3}, {0, 7}, {130, 260}, {5, 5}};
  const auto attend = [](HeadsOf heads, std::vector<Lengths> lengths,
                         bool causal) {
    return [=] { return attends(heads, lengths, causal); };
  };
  const auto pages = [](DecodeCase one, bool decode) {
    if (!decode) one.take_all_positions();
    return [=] { return attends_pages(one, decode); };
  };
  return {{"one_tile_64", attend({1, 1, 64}, {{64, 64}}, false)},
          {"one_tile_128", attend({1, 1, 128}, {{64, 64}}, false)},
          {"partial_64", attend({2, 1, 64}, {{129, 177}}, false)},
          {"partial_128", attend({2, 2, 128}, {{129, 177}}, false)},
          {"causal_64", attend({2, 1, 64}, {{200, 400}}, true)},
          {"causal_128", attend({2, 1, 128}, {{200, 400}}, true)},
          {"lengths_64", attend({4, 2, 64}, mixed, true)},
          {"lengths_128", attend({4, 2, 128}, mixed, true)},
          {"no_keys", attend({1, 1, 64}, {{300, 90}, {2, 0}}, true)},
          {"many_tiles_64", attend({10, 10, 64}, {{2048, 2048}}, false)},
          {"many_tiles_128", attend({28, 4, 128}, {{1024, 1024}}, true)},
          {"decode_64", pages({14, 2, 64, {1, 17, 300}, 20, 60}, true)},
          {"decode_128", pages({28, 4, 128, {1, 600}, 40, 80}, true)},
          {"decode_16_heads", pages({16, 1, 128, {90}, 6, 6}, true)},
          {"decode_long", pages({1, 1, 64, {2300}, 8200, 150}, true)},
          {"prefill_64", pages({14, 2, 64, {300}, 20, 20}, false)},
          {"prefill_128", pages({28, 4, 128, {300}, 20, 20}, false)}};
}

}  // namespace
}  // namespace troupe::kernels

int main(int argc, char** argv) {
  const auto all = troupe::kernels::cases();
  const auto found = all.find(argc == 2 ? argv[1] : "");
  if (found == all.end()) {
    for (const auto& [name, run] : all)
      std::fprintf(stderr, "%s %s\n", argv[0], name.c_str());
    return 2;
  }
  cudaDeviceProp device{};
  if (cudaGetDeviceProperties(&device, 0) != cudaSuccess || device.major != 9 ||
      device.minor != 0) {
    std::printf("skipped: no device of compute capability 9.0\n");
    return troupe::kernels::kSkipped;
  }
  return found->second() ? 0 : 1;
}
