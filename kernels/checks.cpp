#include "kernels/checks.hpp"

#include <array>
#include <string>

namespace troupe::kernels {

bool is_matrix(const TensorRef& tensor, DType type, std::int64_t rows,
               std::int64_t dim) {
  return tensor.dtype == type &&
         tensor.shape == std::array<std::int64_t, 5>{rows, dim, 1, 1, 1};
}

bool is_vector(const TensorRef& tensor, DType type, std::int64_t n) {
  return is_matrix(tensor, type, n, 1);
}

Error not_supported(std::string_view op,
                    std::initializer_list<NamedTensor> tensors,
                    std::string_view known) {
  std::string text = std::string(op) + " of ";
  bool first = true;
  for (const auto& [name, tensor] : tensors) {
    if (!first) text += ", ";
    text += std::string(name) + " " + shape_text(tensor);
    first = false;
  }
  return {Errc::invalid_argument,
          text + " is not supported; known: " + std::string(known)};
}

}  // namespace troupe::kernels
