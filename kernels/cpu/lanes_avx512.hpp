// Sixteen floats in one AVX-512 register. The levels above build on them; each
// has a `Level` of its own, so that no two share code.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace troupe::kernels {

template <class Level>
struct Avx512LanesOf {
  using V = __m512;

  // Tile of a linear layer: 24 of 32 registers hold sums; with codes half of
  // them whole numbers. Chunks of prompts are multiples of 16 rows.
  static constexpr int kRows = 8;
  static constexpr int kPanels = 3;
  static constexpr int kCodeRows = 6;
  static constexpr int kCodePanels = 2;

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
    const auto both = _mm512_loadu_si512(from);
    return {_mm512_castsi512_ps(_mm512_slli_epi32(both, 16)),
            _mm512_castsi512_ps(_mm512_and_si512(
                both, _mm512_set1_epi32(static_cast<int>(0xffff0000u))))};
  }
  static V add_products(V sum, const Pairs& w, const Pair& x) {
    return fma(all(x.odd), w.odd, fma(all(x.even), w.even, sum));
  }

  // -- fours of inputs, weights of 8 and 4 bits -------------------------------

  using I = __m512i;
  using Bytes = __m512i;
  /// Signed, as words: the bytes at even places, and those at odd ones.
  struct Fours {
    __m512i even;
    __m512i odd;
  };
  static I all_int(std::int32_t x) { return _mm512_set1_epi32(x); }
  static V to_floats(I x) { return _mm512_cvtepi32_ps(x); }
  static Bytes load_bytes(const unsigned char* from) {
    return _mm512_loadu_si512(from);
  }
  static Bytes low_halves(Bytes x) {
    return _mm512_and_si512(x, _mm512_set1_epi8(15));
  }
  static Bytes high_halves(Bytes x) {
    return _mm512_and_si512(_mm512_srli_epi16(x, 4), _mm512_set1_epi8(15));
  }
  static Fours four_inputs(std::int32_t bytes) {
    const auto x = _mm512_set1_epi32(bytes);
    return {_mm512_srai_epi16(_mm512_slli_epi16(x, 8), 8),
            _mm512_srai_epi16(x, 8)};
  }
  /// Each lane adds its four (unsigned) bytes times the four inputs.
  static I add_dots(I sum, Bytes w, const Fours& x) {
    const auto even = _mm512_and_si512(w, _mm512_set1_epi16(255));
    const auto odd = _mm512_srli_epi16(w, 8);
    return _mm512_add_epi32(sum,
                            _mm512_add_epi32(_mm512_madd_epi16(even, x.even),
                                             _mm512_madd_epi16(odd, x.odd)));
  }
  /// The highest lane, where none is NaN.
  static float highest(V v) { return _mm512_reduce_max_ps(v); }
  /// Stores whole numbers of [-127, 127]; their sum.
  static std::int32_t store_codes(signed char* to, V v) {
    const auto codes = _mm512_cvtps_epi32(v);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to),
                     _mm512_cvtepi32_epi8(codes));
    return _mm512_reduce_add_epi32(codes);
  }
  /// Sixteen numbers of fp16.
  static V load_halves(const unsigned char* from) {
    return _mm512_cvtph_ps(
        _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
  }
};

struct Avx512Lanes : Avx512LanesOf<Avx512Lanes> {};

}  // namespace troupe::kernels
