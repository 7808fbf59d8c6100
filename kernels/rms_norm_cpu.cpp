#include <cmath>

#include "kernels/checks.hpp"
#include "kernels/cpu/level.hpp"
#include "kernels/rms_norm.hpp"

namespace troupe::kernels {

Status RmsNorm::supports(const Device&, const Args& a) {
  const auto rows = a.x.shape[0], dim = a.x.shape[1];
  const bool no_residual = a.residual.data == nullptr;
  if (is_matrix(a.x, DType::f32, rows, dim) &&
      is_matrix(a.y, DType::f32, rows, dim) &&
      is_vector(a.w, DType::f32, dim) && rows >= 0 && rows <= kMaxRows &&
      dim >= 1 && dim <= kMaxDim && a.eps > 0.f &&
      (no_residual || is_matrix(a.residual, DType::f32, rows, dim)))
    return ok();
  return not_supported(
      kName, {{"y", a.y}, {"x", a.x}, {"w", a.w}, {"residual", a.residual}},
      "f32 y, x and residual [rows < 2^31, 1 to 1048576], w [dim], eps > 0");
}

void RmsNorm::reference(const Args& a) {
  const auto rows = a.x.shape[0], dim = a.x.shape[1];
  const auto* w = data_of<const float>(a.w);
  for (std::int64_t r = 0; r < rows; ++r) {
    const auto* x = data_of<const float>(a.x) + r * dim;
    auto* y = data_of<float>(a.y) + r * dim;
    if (a.residual.data != nullptr) {
      auto* residual = data_of<float>(a.residual) + r * dim;
      for (std::int64_t c = 0; c < dim; ++c) residual[c] += x[c];
      x = residual;
    }
    double sum = 0;
    for (std::int64_t c = 0; c < dim; ++c) sum += double{x[c]} * x[c];
    const double scale =
        1.0 / std::sqrt(sum / static_cast<double>(dim) + double{a.eps});
    for (std::int64_t c = 0; c < dim; ++c)
      y[c] = static_cast<float>(x[c] * scale * w[c]);
  }
}

void RmsNorm::cpu(Context& ctx, const Args& a) {
  const auto rows = a.x.shape[0], dim = a.x.shape[1];
  const auto& level = level_of(ctx.isa);
  const auto row_of = [dim](const TensorRef& tensor, std::int64_t row) {
    return tensor.data == nullptr ? nullptr
                                  : data_of<float>(tensor) + row * dim;
  };
  ctx.split(rows, [&](std::int64_t row) {
    level.rms_norm({.y = row_of(a.y, row),
                    .residual = row_of(a.residual, row),
                    .x = row_of(a.x, row),
                    .w = data_of<const float>(a.w),
                    .dim = dim,
                    .eps = a.eps});
  });
}

}  // namespace troupe::kernels
