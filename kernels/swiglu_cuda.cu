#include <algorithm>

#include "kernels/launch.cuh"
#include "kernels/swiglu.hpp"

namespace troupe::kernels {
namespace {

constexpr int kThreads = 256;
constexpr std::int64_t kMaxBlocks = 1024;  // Some eight for each processor.

__global__ void __launch_bounds__(kThreads)
    swiglu_kernel(float* y, const float* gate, const float* up,
                  std::int64_t count) {
  const auto step = std::int64_t{gridDim.x} * kThreads;
  for (auto i = std::int64_t{blockIdx.x} * kThreads + threadIdx.x; i < count;
       i += step)
    y[i] = gate[i] / (1.f + expf(-gate[i])) * up[i];
}

}  // namespace

void SwiGlu::cuda(Context& ctx, const Args& a) {
  const auto count = a.y.shape[0] * a.y.shape[1];
  if (count == 0) return;
  const auto blocks = std::min((count + kThreads - 1) / kThreads, kMaxBlocks);
  launch(swiglu_kernel,
         {.name = "swiglu",
          .blocks = static_cast<unsigned>(blocks),
          .threads = kThreads,
          .stream = ctx.stream},
         data_of<float>(a.y), data_of<const float>(a.gate),
         data_of<const float>(a.up), count);
}

}  // namespace troupe::kernels
