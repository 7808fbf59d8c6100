// The inner work of the ops that go over rows element by element.
#pragma once

#include "kernels/cpu/math.hpp"

namespace troupe::kernels {

template <class L>
void rms_norm_row(const RmsNormRow& row) {
  using V = typename L::V;
  V squares = L::all(0.f);
  for (std::int64_t i = 0; i < row.dim; i += kLanes) {
    const auto n = row.dim - i < kLanes ? row.dim - i : kLanes;
    V x = load_first<L>(row.x + i, n);
    if (row.residual != nullptr) {
      x = L::add(load_first<L>(row.residual + i, n), x);
      store_first<L>(row.residual + i, x, n);
    }
    squares = L::fma(x, x, squares);
  }
  const float mean = sum_of<L>(squares) / static_cast<float>(row.dim);
  const V scale = L::all(1.f / __builtin_sqrtf(mean + row.eps));
  const float* x = row.residual != nullptr ? row.residual : row.x;
  for (std::int64_t i = 0; i < row.dim; i += kLanes) {
    const auto n = row.dim - i < kLanes ? row.dim - i : kLanes;
    const V normal = L::mul(load_first<L>(x + i, n), scale);
    store_first<L>(row.y + i, L::mul(normal, load_first<L>(row.w + i, n)), n);
  }
}

template <class L>
void swiglu_part(float* y, const float* gate, const float* up,
                 std::int64_t count) {
  using V = typename L::V;
  for (std::int64_t i = 0; i < count; i += kLanes) {
    const auto n = count - i < kLanes ? count - i : kLanes;
    const V g = load_first<L>(gate + i, n);
    const V e = exp_of<L>(L::sub(L::all(0.f), g));
    const V silu = L::div(g, L::add(L::all(1.f), e));
    store_first<L>(y + i, L::mul(silu, load_first<L>(up + i, n)), n);
  }
}

}  // namespace troupe::kernels
