#include "kernels/embedding.hpp"
#include "kernels/launch.cuh"
#include "kernels/weights.cuh"

namespace troupe::kernels {
namespace {

constexpr int kThreads = 256;

struct Rows {
  const void* data;
  WeightFormat format;
  int inputs;
  std::int64_t stride;

  __device__ float at(std::int64_t output, int input) const {
    switch (format) {
      case WeightFormat::bf16:
        return to_float(
            static_cast<const __nv_bfloat16*>(data)[output * stride + input]);
      case WeightFormat::int8:
        return code_at<8>(static_cast<const unsigned char*>(data), output,
                          input, inputs);
      case WeightFormat::int4:
        return code_at<4>(static_cast<const unsigned char*>(data), output,
                          input, inputs);
      case WeightFormat::f32:
        break;
    }
    return static_cast<const float*>(data)[output * stride + input];
  }
};

__global__ void __launch_bounds__(kThreads)
    embedding_kernel(float* y, const std::int32_t* ids, Rows table) {
  const auto id = ids[blockIdx.x];
  y += std::int64_t{blockIdx.x} * table.inputs;
  for (int c = static_cast<int>(threadIdx.x); c < table.inputs; c += kThreads)
    y[c] = id < 0 ? 0.f : table.at(id, c);
}

}  // namespace

void Embedding::cuda(Context& ctx, const Args& a) {
  const auto rows = a.y.shape[0];
  if (rows == 0) return;
  launch(embedding_kernel,
         {.name = "embedding",
          .blocks = static_cast<unsigned>(rows),
          .threads = kThreads,
          .stream = ctx.stream},
         data_of<float>(a.y), data_of<const std::int32_t>(a.ids),
         Rows{.data = a.table.data,
              .format = a.table.format,
              .inputs = static_cast<int>(a.table.inputs),
              .stride = row_stride(a.table.format, a.table.inputs)});
}

}  // namespace troupe::kernels
