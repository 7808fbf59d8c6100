#include <algorithm>
#include <cmath>

#include "kernels/checks.hpp"
#include "kernels/cpu/level.hpp"
#include "kernels/swiglu.hpp"

namespace troupe::kernels {
namespace {

constexpr std::int64_t kPartElements = 4096;

}  // namespace

Status SwiGlu::supports(const Device&, const Args& a) {
  const auto rows = a.y.shape[0], dim = a.y.shape[1];
  if (is_matrix(a.y, DType::f32, rows, dim) &&
      is_matrix(a.gate, DType::f32, rows, dim) &&
      is_matrix(a.up, DType::f32, rows, dim) && rows >= 0 && rows <= kMaxRows &&
      dim >= 1 && dim <= kMaxDim)
    return ok();
  return not_supported(kName, {{"y", a.y}, {"gate", a.gate}, {"up", a.up}},
                       "f32 y, gate and up [rows < 2^31, 1 to 1048576]");
}

void SwiGlu::reference(const Args& a) {
  for (std::int64_t i = 0; i < a.y.shape[0] * a.y.shape[1]; ++i) {
    const double gate = data_of<const float>(a.gate)[i];
    const double up = data_of<const float>(a.up)[i];
    data_of<float>(a.y)[i] =
        static_cast<float>(gate / (1.0 + std::exp(-gate)) * up);
  }
}

void SwiGlu::cpu(Context& ctx, const Args& a) {
  const auto count = a.y.shape[0] * a.y.shape[1];
  const auto& level = level_of(ctx.isa);
  const auto parts = (count + kPartElements - 1) / kPartElements;
  ctx.split(parts, [&](std::int64_t part) {
    const auto first = part * kPartElements;
    level.swiglu(data_of<float>(a.y) + first,
                 data_of<const float>(a.gate) + first,
                 data_of<const float>(a.up) + first,
                 std::min(kPartElements, count - first));
  });
}

}  // namespace troupe::kernels
