// What the supports() of the ops ask of tensors, and how they refuse.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "core/result.hpp"
#include "kernels/tensor.hpp"

namespace troupe::kernels {

// CUDA's grid.x, and more than any model has.
inline constexpr std::int64_t kMaxRows = (std::int64_t{1} << 31) - 1;
inline constexpr std::int64_t kMaxDim = 1 << 20;

bool is_matrix(const TensorRef& tensor, DType type, std::int64_t rows,
               std::int64_t dim);
bool is_vector(const TensorRef& tensor, DType type, std::int64_t n);

struct NamedTensor {
  std::string_view name;
  const TensorRef& tensor;
};

/// invalid_argument: "rms_norm of y f32 [2, 8], x f32 [2, 9] is not supported;
/// known: ...".
Error not_supported(std::string_view op,
                    std::initializer_list<NamedTensor> tensors,
                    std::string_view known);

}  // namespace troupe::kernels
