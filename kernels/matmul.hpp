// A product too large for a kernel of ours: what linear asks of cuBLASLt.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/context.hpp"
#include "kernels/tensor.hpp"

namespace troupe::kernels {

/// y[r][o] = sum_k x[r][k] * weight[o][k] + bias[o], x and weight of one type,
/// sums and y in fp32. From one row to the next: the strides, in elements.
struct Matmul {
  float* y = nullptr;
  const void* x = nullptr;
  const void* weight = nullptr;
  const float* bias = nullptr;  // Null: none.
  DType type = DType::f32;      // Or bf16.
  std::int64_t rows = 0;
  std::int64_t inputs = 0;
  std::int64_t outputs = 0;
  std::int64_t y_stride = 0;
  std::int64_t x_stride = 0;
  std::int64_t weight_stride = 0;
  std::span<std::byte> scratch;  // The library's own.
};

/// Asynchronous. Throws std::runtime_error where CUDA or cuBLASLt fails.
void matmul(Context& ctx, const Matmul& product);

}  // namespace troupe::kernels
