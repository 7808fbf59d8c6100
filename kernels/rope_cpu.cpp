#include <cmath>

#include "kernels/checks.hpp"
#include "kernels/rope.hpp"

namespace troupe::kernels {
namespace {

void table_row(const RopeTable::Args& a, std::int64_t row) {
  const auto half = a.cos.shape[1];
  const auto position =
      static_cast<float>(data_of<const std::int32_t>(a.positions)[row]);
  for (std::int64_t i = 0; i < half; ++i) {
    const double exponent = static_cast<double>(i) / static_cast<double>(half);
    const auto power = static_cast<float>(std::pow(double{a.theta}, exponent));
    const float angle = position * (1.f / power);
    data_of<float>(a.cos)[row * half + i] =
        static_cast<float>(std::cos(double{angle}));
    data_of<float>(a.sin)[row * half + i] =
        static_cast<float>(std::sin(double{angle}));
  }
}

// Real is float to run and double to be the specification.
template <class Real>
void turn_row(const Rope::Args& a, std::int64_t row) {
  const auto half = a.cos.shape[1], width = a.x.shape[1];
  const auto* cos = data_of<const float>(a.cos) + row * half;
  const auto* sin = data_of<const float>(a.sin) + row * half;
  for (std::int64_t head = 0; head < width; head += 2 * half) {
    const auto* x = data_of<const float>(a.x) + row * width + head;
    auto* y = data_of<float>(a.y) + row * width + head;
    for (std::int64_t i = 0; i < half; ++i) {
      const Real low = x[i], high = x[i + half];
      const Real c = cos[i], s = sin[i];
      y[i] = static_cast<float>(low * c - high * s);
      y[i + half] = static_cast<float>(high * c + low * s);
    }
  }
}

}  // namespace

Status RopeTable::supports(const Device&, const Args& a) {
  const auto rows = a.cos.shape[0], half = a.cos.shape[1];
  if (is_matrix(a.cos, DType::f32, rows, half) &&
      is_matrix(a.sin, DType::f32, rows, half) &&
      is_vector(a.positions, DType::i32, rows) && rows >= 0 &&
      rows <= kMaxRows && half >= 1 && half <= kMaxDim && a.theta > 1.f)
    return ok();
  return not_supported(
      kName, {{"cos", a.cos}, {"sin", a.sin}, {"positions", a.positions}},
      "f32 cos and sin [rows < 2^31, 1 to 1048576], i32 positions [rows], "
      "theta > 1");
}

void RopeTable::reference(const Args& a) {
  for (std::int64_t row = 0; row < a.cos.shape[0]; ++row) table_row(a, row);
}

void RopeTable::cpu(Context& ctx, const Args& a) {
  ctx.split(a.cos.shape[0], [&](std::int64_t row) { table_row(a, row); });
}

Status Rope::supports(const Device&, const Args& a) {
  const auto rows = a.x.shape[0], width = a.x.shape[1], half = a.cos.shape[1];
  if (is_matrix(a.x, DType::f32, rows, width) &&
      is_matrix(a.y, DType::f32, rows, width) &&
      is_matrix(a.cos, DType::f32, rows, half) &&
      is_matrix(a.sin, DType::f32, rows, half) && rows >= 0 &&
      rows <= kMaxRows && half >= 1 && half <= kMaxDim && width >= 1 &&
      width <= kMaxDim && width % (2 * half) == 0)
    return ok();
  return not_supported(
      kName, {{"y", a.y}, {"x", a.x}, {"cos", a.cos}, {"sin", a.sin}},
      "f32 y and x [rows < 2^31, heads * 2 * half], cos and sin [rows, half]");
}

void Rope::reference(const Args& a) {
  for (std::int64_t row = 0; row < a.x.shape[0]; ++row)
    turn_row<double>(a, row);
}

void Rope::cpu(Context& ctx, const Args& a) {
  ctx.split(a.x.shape[0], [&](std::int64_t row) { turn_row<float>(a, row); });
}

}  // namespace troupe::kernels
