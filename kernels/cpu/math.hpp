// What the levels' inner work shares, for any lanes L (lanes_*.hpp). Every
// sum has one fixed order, the same at all levels.
#pragma once

#include <cstdint>

#include "kernels/cpu/level.hpp"

namespace troupe::kernels {

// 1.5 * 2^23: what is added to it is rounded to a whole number, which then
// stands in the low bits.
inline constexpr float kRoundingMagic = 12582912.f;

/// The first n lanes from memory, zero in the others. n of [0, kLanes].
template <class L>
typename L::V load_first(const float* from, std::int64_t n) {
  if (n == kLanes) return L::load(from);
  alignas(64) float lane[kLanes] = {};
  for (std::int64_t i = 0; i < n; ++i) lane[i] = from[i];
  return L::load(lane);
}

template <class L>
void store_first(float* to, typename L::V v, std::int64_t n) {
  if (n == kLanes) return L::store(to, v);
  alignas(64) float lane[kLanes];
  L::store(lane, v);
  for (std::int64_t i = 0; i < n; ++i) to[i] = lane[i];
}

/// Lanes from n on become `fill`.
template <class L>
typename L::V keep_first(typename L::V v, std::int64_t n, float fill) {
  if (n == kLanes) return v;
  alignas(64) float lane[kLanes];
  L::store(lane, v);
  for (std::int64_t i = n; i < kLanes; ++i) lane[i] = fill;
  return L::load(lane);
}

template <class L>
float sum_of(typename L::V v) {
  alignas(64) float lane[kLanes];
  L::store(lane, v);
  for (int width = kLanes / 2; width > 0; width /= 2)
    for (int i = 0; i < width; ++i) lane[i] += lane[i + width];
  return lane[0];
}

/// A NaN may be passed over.
template <class L>
float max_of(typename L::V v) {
  alignas(64) float lane[kLanes];
  L::store(lane, v);
  for (int width = kLanes / 2; width > 0; width /= 2)
    for (int i = 0; i < width; ++i)
      lane[i] = lane[i] > lane[i + width] ? lane[i] : lane[i + width];
  return lane[0];
}

/// e^x within 2 ulp for x of [-87, 88], clamped to it; exactly 1 for 0; NaN
/// stays NaN. Cody and Waite's reduction, the polynomial of Cephes' expf.
template <class L>
typename L::V exp_of(typename L::V x) {
  using V = typename L::V;
  x = L::min(L::all(88.f), x);
  x = L::max(L::all(-87.f), x);
  const V shifted = L::fma(x, L::all(1.44269504f), L::all(kRoundingMagic));
  const V n = L::sub(shifted, L::all(kRoundingMagic));
  V r = L::fma(n, L::all(-0.693359375f), x);
  r = L::fma(n, L::all(2.12194440e-4f), r);
  V p = L::all(1.9875691500e-4f);
  p = L::fma(p, r, L::all(1.3981999507e-3f));
  p = L::fma(p, r, L::all(8.3334519073e-3f));
  p = L::fma(p, r, L::all(4.1665795894e-2f));
  p = L::fma(p, r, L::all(1.6666665459e-1f));
  p = L::fma(p, r, L::all(5.0000001201e-1f));
  p = L::fma(p, L::mul(r, r), r);
  return L::mul(L::add(p, L::all(1.f)), L::power_of_two(shifted));
}

}  // namespace troupe::kernels
