#include "kernels/tensor.hpp"

#include "core/result.hpp"

namespace troupe {
namespace {

TensorRef ref(const void* data, DType type, std::int64_t rows,
              std::int64_t dim) {
  return {const_cast<void*>(data), type, {rows, dim, 1, 1, 1}};
}

}  // namespace

std::string_view to_string(DType type) {
  switch (type) {
    case DType::f32:
      return "f32";
    case DType::f16:
      return "f16";
    case DType::bf16:
      return "bf16";
    case DType::i32:
      return "i32";
  }
  TROUPE_ASSERT(false);
  return "";
}

std::size_t dtype_bytes(DType type) {
  return type == DType::f16 || type == DType::bf16 ? 2 : 4;
}

TensorRef vector_ref(const float* data, std::int64_t n) {
  return ref(data, DType::f32, n, 1);
}
TensorRef vector_ref(const std::int32_t* data, std::int64_t n) {
  return ref(data, DType::i32, n, 1);
}
TensorRef matrix_ref(const float* data, std::int64_t rows, std::int64_t dim) {
  return ref(data, DType::f32, rows, dim);
}
TensorRef matrix_ref(const std::int32_t* data, std::int64_t rows,
                     std::int64_t dim) {
  return ref(data, DType::i32, rows, dim);
}

std::string shape_text(const TensorRef& tensor) {
  std::size_t rank = tensor.shape.size();
  while (rank > 1 && tensor.shape[rank - 1] == 1) --rank;
  std::string text = std::string(to_string(tensor.dtype)) + " [";
  for (std::size_t i = 0; i < rank; ++i)
    text += (i == 0 ? "" : ", ") + std::to_string(tensor.shape[i]);
  return text + "]";
}

}  // namespace troupe
