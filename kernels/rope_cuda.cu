#include <cmath>

#include "kernels/launch.cuh"
#include "kernels/rope.hpp"

namespace troupe::kernels {
namespace {

constexpr int kThreads = 128;

// fp64 where the CPU has it: an angle that is off by one bit turns a long
// context elsewhere.
__global__ void __launch_bounds__(kThreads)
    rope_table_kernel(float* cos, float* sin, const std::int32_t* positions,
                      int half, float theta) {
  const auto row = std::int64_t{blockIdx.x};
  const auto position = static_cast<float>(positions[row]);
  for (int i = static_cast<int>(threadIdx.x); i < half; i += kThreads) {
    const double exponent = static_cast<double>(i) / static_cast<double>(half);
    const auto power =
        static_cast<float>(::pow(static_cast<double>(theta), exponent));
    const float angle = position * (1.f / power);
    cos[row * half + i] = static_cast<float>(::cos(static_cast<double>(angle)));
    sin[row * half + i] = static_cast<float>(::sin(static_cast<double>(angle)));
  }
}

// A thread has both halves of its pairs, so y may be x.
__global__ void __launch_bounds__(kThreads)
    rope_kernel(float* y, const float* x, const float* cos, const float* sin,
                int half, int pairs) {
  const auto row = std::int64_t{blockIdx.x};
  for (int pair = static_cast<int>(threadIdx.x); pair < pairs;
       pair += kThreads) {
    const int i = pair % half;
    const auto low_at = row * pairs * 2 + (pair - i) * 2 + i;
    const float low = x[low_at], high = x[low_at + half];
    const float c = cos[row * half + i], s = sin[row * half + i];
    y[low_at] = low * c - high * s;
    y[low_at + half] = high * c + low * s;
  }
}

}  // namespace

void RopeTable::cuda(Context& ctx, const Args& a) {
  const auto rows = a.cos.shape[0];
  if (rows == 0) return;
  launch(rope_table_kernel,
         {.name = "rope_table",
          .blocks = static_cast<unsigned>(rows),
          .threads = kThreads,
          .stream = ctx.stream},
         data_of<float>(a.cos), data_of<float>(a.sin),
         data_of<const std::int32_t>(a.positions),
         static_cast<int>(a.cos.shape[1]), a.theta);
}

void Rope::cuda(Context& ctx, const Args& a) {
  const auto rows = a.x.shape[0];
  if (rows == 0) return;
  launch(rope_kernel,
         {.name = "rope",
          .blocks = static_cast<unsigned>(rows),
          .threads = kThreads,
          .stream = ctx.stream},
         data_of<float>(a.y), data_of<const float>(a.x),
         data_of<const float>(a.cos), data_of<const float>(a.sin),
         static_cast<int>(a.cos.shape[1]), static_cast<int>(a.x.shape[1] / 2));
}

}  // namespace troupe::kernels
