// The shape of memory that someone else owns. No arithmetic, no allocation.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace troupe {

enum class DType : std::uint8_t { f32 = 1, f16, bf16, i32 };

std::string_view to_string(DType type);
std::size_t dtype_bytes(DType type);

/// Dense, row-major, non-owning. Which tensors an op writes is said in its
/// Args; the others are only read.
struct TensorRef {
  void* data = nullptr;
  DType dtype = DType::f32;
  std::array<std::int64_t, 5> shape{1, 1, 1, 1, 1};  // Unused trailing: 1.
};

TensorRef vector_ref(const float* data, std::int64_t n);
TensorRef vector_ref(const std::int32_t* data, std::int64_t n);
TensorRef matrix_ref(const float* data, std::int64_t rows, std::int64_t dim);
TensorRef matrix_ref(const std::int32_t* data, std::int64_t rows,
                     std::int64_t dim);

/// "f32 [3, 64]".
std::string shape_text(const TensorRef& tensor);

template <class T>
T* data_of(const TensorRef& tensor) {
  return static_cast<T*>(tensor.data);
}

}  // namespace troupe
