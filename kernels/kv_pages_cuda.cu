#include "kernels/kv_cache.cuh"
#include "kernels/kv_pages.hpp"
#include "kernels/launch.cuh"

namespace troupe::kernels {
namespace {

constexpr int kThreads = 128;

template <class T>
__global__ void __launch_bounds__(kThreads)
    kv_append_kernel(KvView<T> kv, const float* keys, const float* values) {
  const auto row = std::int64_t{blockIdx.x};
  const auto position = kv.positions[row];
  if (position < 0) return;
  const int width = kv.kv_heads * kv.head_dim;
  const auto page = kv.page_of(row, position / kPage);
  for (int c = static_cast<int>(threadIdx.x); c < width; c += kThreads) {
    const auto to =
        kv.at(page, c / kv.head_dim, position % kPage) + c % kv.head_dim;
    kv.keys[to] = from_float<T>(keys[row * width + c]);
    kv.values[to] = from_float<T>(values[row * width + c]);
  }
}

template <class T>
void append(Context& ctx, const KvAppend::Args& a) {
  launch(kv_append_kernel<T>,
         {.name = "kv_append",
          .blocks = static_cast<unsigned>(a.keys.shape[0]),
          .threads = kThreads,
          .stream = ctx.stream},
         kv_view<T>(a.pages, a.at), data_of<const float>(a.keys),
         data_of<const float>(a.values));
}

}  // namespace

void KvAppend::cuda(Context& ctx, const Args& a) {
  if (a.keys.shape[0] == 0) return;
  if (a.pages.dtype == DType::f32)
    append<float>(ctx, a);
  else
    append<__nv_bfloat16>(ctx, a);
}

}  // namespace troupe::kernels
