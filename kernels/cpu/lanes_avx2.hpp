// Sixteen floats in two AVX registers, with FMA.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace troupe::kernels {

struct Avx2Lanes {
  struct V {
    __m256 low;
    __m256 high;
  };

  // Tile of a linear layer: 12 of 16 registers hold sums.
  static constexpr int kRows = 6;
  static constexpr int kPanels = 1;
  static constexpr int kCodeRows = 2;
  static constexpr int kCodePanels = 1;

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

  // -- pairs of inputs, weights of bf16 ---------------------------------------

  struct Pair {
    float even;
    float odd;
  };
  struct Pairs {
    V even;
    V odd;
  };
  static Pair pair(float even, float odd) { return {even, odd}; }
  static Pairs load_pairs(const std::uint32_t* from) {
    const auto low = load_ints(from);
    const auto high = load_ints(from + 8);
    const auto odd = _mm256_set1_epi32(static_cast<int>(0xffff0000u));
    return {{_mm256_castsi256_ps(_mm256_slli_epi32(low, 16)),
             _mm256_castsi256_ps(_mm256_slli_epi32(high, 16))},
            {_mm256_castsi256_ps(_mm256_and_si256(low, odd)),
             _mm256_castsi256_ps(_mm256_and_si256(high, odd))}};
  }
  static V add_products(V sum, const Pairs& w, const Pair& x) {
    return fma(all(x.odd), w.odd, fma(all(x.even), w.even, sum));
  }

  // -- fours of inputs, weights of 8 and 4 bits -------------------------------

  struct I {
    __m256i low;
    __m256i high;
  };
  using Bytes = I;
  /// Signed, as words: the bytes at even places, and those at odd ones.
  struct Fours {
    __m256i even;
    __m256i odd;
  };
  static I all_int(std::int32_t x) {
    return {_mm256_set1_epi32(x), _mm256_set1_epi32(x)};
  }
  static V to_floats(I x) {
    return {_mm256_cvtepi32_ps(x.low), _mm256_cvtepi32_ps(x.high)};
  }
  static Bytes load_bytes(const unsigned char* from) {
    return {load_ints(from), load_ints(from + 32)};
  }
  static Bytes low_halves(Bytes x) {
    const auto mask = _mm256_set1_epi8(15);
    return {_mm256_and_si256(x.low, mask), _mm256_and_si256(x.high, mask)};
  }
  static Bytes high_halves(Bytes x) {
    return low_halves(
        {_mm256_srli_epi16(x.low, 4), _mm256_srli_epi16(x.high, 4)});
  }
  static Fours four_inputs(std::int32_t bytes) {
    const auto x = _mm256_set1_epi32(bytes);
    return {_mm256_srai_epi16(_mm256_slli_epi16(x, 8), 8),
            _mm256_srai_epi16(x, 8)};
  }
  /// Each lane adds its four (unsigned) bytes times the four inputs.
  static I add_dots(I sum, Bytes w, const Fours& x) {
    return {half_dots(sum.low, w.low, x), half_dots(sum.high, w.high, x)};
  }
  /// The highest lane, where none is NaN.
  static float highest(V v) {
    const auto of_8 = _mm256_max_ps(v.low, v.high);
    auto most = _mm_max_ps(_mm256_castps256_ps128(of_8),
                           _mm256_extractf128_ps(of_8, 1));
    most = _mm_max_ps(most, _mm_movehl_ps(most, most));
    return _mm_cvtss_f32(_mm_max_ss(most, _mm_movehdup_ps(most)));
  }
  /// Stores whole numbers of [-127, 127]; their sum.
  static std::int32_t store_codes(signed char* to, V v) {
    const auto low = _mm256_cvtps_epi32(v.low);
    const auto high = _mm256_cvtps_epi32(v.high);
    const auto words = _mm256_permute4x64_epi64(_mm256_packs_epi32(low, high),
                                                _MM_SHUFFLE(3, 1, 2, 0));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to),
                     _mm_packs_epi16(_mm256_castsi256_si128(words),
                                     _mm256_extracti128_si256(words, 1)));
    const auto of_8 = _mm256_add_epi32(low, high);
    auto sum = _mm_add_epi32(_mm256_castsi256_si128(of_8),
                             _mm256_extracti128_si256(of_8, 1));
    sum = _mm_add_epi32(sum, _mm_srli_si128(sum, 8));
    return _mm_cvtsi128_si32(_mm_add_epi32(sum, _mm_srli_si128(sum, 4)));
  }
  /// Sixteen numbers of fp16.
  static V load_halves(const unsigned char* from) {
    const auto* halves = reinterpret_cast<const __m128i*>(from);
    return {_mm256_cvtph_ps(_mm_loadu_si128(halves)),
            _mm256_cvtph_ps(_mm_loadu_si128(halves + 1))};
  }

 private:
  static __m256i load_ints(const void* from) {
    return _mm256_loadu_si256(static_cast<const __m256i*>(from));
  }
  static __m256i half_dots(__m256i sum, __m256i w, const Fours& x) {
    const auto even = _mm256_and_si256(w, _mm256_set1_epi16(255));
    const auto odd = _mm256_srli_epi16(w, 8);
    return _mm256_add_epi32(sum,
                            _mm256_add_epi32(_mm256_madd_epi16(even, x.even),
                                             _mm256_madd_epi16(odd, x.odd)));
  }
  static __m256 half_power_of_two(__m256 shifted) {
    const auto biased =
        _mm256_add_epi32(_mm256_castps_si256(shifted), _mm256_set1_epi32(127));
    return _mm256_castsi256_ps(_mm256_slli_epi32(biased, 23));
  }
};

}  // namespace troupe::kernels
