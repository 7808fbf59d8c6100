// What cuBLASLt would do, by plain loops.
#include "kernels/matmul.hpp"

#include "kernels/cuda_libraries.hpp"
#include "kernels/numbers.hpp"
#include "tests/cuda_shim/shim/runtime.hpp"

namespace troupe {

struct CudaLibraries::Products {};
CudaLibraries::CudaLibraries() = default;
CudaLibraries::~CudaLibraries() = default;

namespace kernels {
namespace {

double element(const Matmul& product, const void* data, std::int64_t index) {
  if (product.type == DType::f32)
    return double{static_cast<const float*>(data)[index]};
  return double{bf16_to_f32(static_cast<const std::uint16_t*>(data)[index])};
}

void multiply(const Matmul& p) {
  for (std::int64_t r = 0; r < p.rows; ++r)
    for (std::int64_t o = 0; o < p.outputs; ++o) {
      double sum = p.bias == nullptr ? 0 : double{p.bias[o]};
      for (std::int64_t k = 0; k < p.inputs; ++k)
        sum += element(p, p.x, r * p.x_stride + k) *
               element(p, p.weight, o * p.weight_stride + k);
      p.y[r * p.y_stride + o] = static_cast<float>(sum);
    }
}

}  // namespace

void matmul(Context& ctx, const Matmul& p) {
  if (ctx.stream == nullptr) return multiply(p);
  cuda_shim::check_argument(*ctx.stream, "matmul", p);
  ctx.stream->add([p] { multiply(p); });
}

}  // namespace kernels
}  // namespace troupe
