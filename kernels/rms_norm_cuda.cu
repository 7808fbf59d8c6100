#include "kernels/launch.cuh"
#include "kernels/rms_norm.hpp"
#include "kernels/warp.cuh"

namespace troupe::kernels {
namespace {

constexpr int kThreads = 256;

struct Shared {
  float partial[kThreads / kWarp];
};

// One block per row: a row is read twice, the second time from a cache. Each
// thread reads again only what it wrote itself.
__global__ void __launch_bounds__(kThreads)
    rms_norm_kernel(float* y, float* residual, const float* x, const float* w,
                    int dim, float eps) {
  auto& shared = shared_as<Shared>();
  const auto row = std::int64_t{blockIdx.x} * dim;
  x += row;
  y += row;
  const bool adds = residual != nullptr;
  if (adds) residual += row;
  float sum = 0;
  for (int c = static_cast<int>(threadIdx.x); c < dim; c += kThreads) {
    float h = x[c];
    if (adds) residual[c] = h += residual[c];
    sum += h * h;
  }
  sum = block_sum(sum, shared.partial);
  const float scale = rsqrtf(sum / static_cast<float>(dim) + eps);
  const float* from = adds ? residual : x;
  for (int c = static_cast<int>(threadIdx.x); c < dim; c += kThreads)
    y[c] = from[c] * scale * w[c];
}

}  // namespace

void RmsNorm::cuda(Context& ctx, const Args& a) {
  const auto rows = a.x.shape[0], dim = a.x.shape[1];
  if (rows == 0) return;
  launch(rms_norm_kernel,
         {.name = "rms_norm",
          .blocks = static_cast<unsigned>(rows),
          .threads = kThreads,
          .shared_bytes = sizeof(Shared),
          .stream = ctx.stream},
         data_of<float>(a.y), data_of<float>(a.residual),
         data_of<const float>(a.x), data_of<const float>(a.w),
         static_cast<int>(dim), a.eps);
}

}  // namespace troupe::kernels
