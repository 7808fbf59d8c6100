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

template <class L>
Peak peak_part(const float* x, std::int64_t count) {
  using V = typename L::V;
  V most = L::all(-__builtin_inff());
  V zero = L::all(0.f);
  for (std::int64_t i = 0; i < count; i += kLanes) {
    const auto n = count - i < kLanes ? count - i : kLanes;
    const V v = load_first<L>(x + i, n);
    zero = L::fma(v, L::all(0.f), zero);
    most = L::max(keep_first<L>(v, n, -__builtin_inff()), most);
  }
  return {max_of<L>(most), sum_of<L>(zero)};
}

template <class L>
void soften_part(const SoftenPart& part) {
  using V = typename L::V;
  // Taken from each: nothing to a weight that counts, all of the others.
  constexpr float kLeast = 1.8e-35f;  // e^-80
  for (std::int64_t i = 0; i < part.n; i += kLanes) {
    const auto n = part.n - i < kLanes ? part.n - i : kLanes;
    const V below = L::sub(load_first<L>(part.x + i, n), L::all(part.max));
    const V weight = exp_of<L>(L::div(below, L::all(part.temperature)));
    store_first<L>(part.weights + i,
                   L::max(L::sub(weight, L::all(kLeast)), L::all(0.f)), n);
  }
}

template <class L>
float sum_part(const float* x, std::int64_t count) {
  typename L::V sum = L::all(0.f);
  for (std::int64_t i = 0; i < count; i += kLanes) {
    const auto n = count - i < kLanes ? count - i : kLanes;
    sum = L::add(load_first<L>(x + i, n), sum);
  }
  return sum_of<L>(sum);
}

}  // namespace troupe::kernels
