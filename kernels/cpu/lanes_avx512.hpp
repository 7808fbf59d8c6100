// Sixteen floats in one AVX-512 register.
#pragma once

#include <immintrin.h>

namespace troupe::kernels {

struct Avx512Lanes {
  using V = __m512;

  // Tile of a linear layer: 24 of 32 registers hold sums.
  static constexpr int kRows = 6;
  static constexpr int kPanels = 4;

  static V load(const float* from) { return _mm512_loadu_ps(from); }
  static void store(float* to, V v) { _mm512_storeu_ps(to, v); }
  static V all(float x) { return _mm512_set1_ps(x); }
  static V add(V a, V b) { return _mm512_add_ps(a, b); }
  static V sub(V a, V b) { return _mm512_sub_ps(a, b); }
  static V mul(V a, V b) { return _mm512_mul_ps(a, b); }
  static V div(V a, V b) { return _mm512_div_ps(a, b); }
  /// a * b + c
  static V fma(V a, V b, V c) { return _mm512_fmadd_ps(a, b, c); }
  /// Where either is NaN: b.
  static V min(V a, V b) { return _mm512_min_ps(a, b); }
  static V max(V a, V b) { return _mm512_max_ps(a, b); }
  /// 2^n, where `n` + kRoundingMagic (math.hpp) is given. n of [-126, 127].
  static V power_of_two(V shifted) {
    const auto biased =
        _mm512_add_epi32(_mm512_castps_si512(shifted), _mm512_set1_epi32(127));
    return _mm512_castsi512_ps(_mm512_slli_epi32(biased, 23));
  }
};

}  // namespace troupe::kernels
