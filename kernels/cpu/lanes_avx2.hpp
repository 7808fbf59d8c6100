// Sixteen floats in two AVX registers, with FMA.
#pragma once

#include <immintrin.h>

namespace troupe::kernels {

struct Avx2Lanes {
  struct V {
    __m256 low;
    __m256 high;
  };

  // Tile of a linear layer: 12 of 16 registers hold sums.
  static constexpr int kRows = 6;
  static constexpr int kPanels = 1;

  static V load(const float* from) {
    return {_mm256_loadu_ps(from), _mm256_loadu_ps(from + 8)};
  }
  static void store(float* to, V v) {
    _mm256_storeu_ps(to, v.low);
    _mm256_storeu_ps(to + 8, v.high);
  }
  static V all(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
  static V add(V a, V b) {
    return {_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high)};
  }
  static V sub(V a, V b) {
    return {_mm256_sub_ps(a.low, b.low), _mm256_sub_ps(a.high, b.high)};
  }
  static V mul(V a, V b) {
    return {_mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high)};
  }
  static V div(V a, V b) {
    return {_mm256_div_ps(a.low, b.low), _mm256_div_ps(a.high, b.high)};
  }
  /// a * b + c
  static V fma(V a, V b, V c) {
    return {_mm256_fmadd_ps(a.low, b.low, c.low),
            _mm256_fmadd_ps(a.high, b.high, c.high)};
  }
  /// Where either is NaN: b.
  static V min(V a, V b) {
    return {_mm256_min_ps(a.low, b.low), _mm256_min_ps(a.high, b.high)};
  }
  static V max(V a, V b) {
    return {_mm256_max_ps(a.low, b.low), _mm256_max_ps(a.high, b.high)};
  }
  /// 2^n, where `n` + kRoundingMagic (math.hpp) is given. n of [-126, 127].
  static V power_of_two(V shifted) {
    return {half_power_of_two(shifted.low), half_power_of_two(shifted.high)};
  }

 private:
  static __m256 half_power_of_two(__m256 shifted) {
    const auto biased =
        _mm256_add_epi32(_mm256_castps_si256(shifted), _mm256_set1_epi32(127));
    return _mm256_castsi256_ps(_mm256_slli_epi32(biased, 23));
  }
};

}  // namespace troupe::kernels
