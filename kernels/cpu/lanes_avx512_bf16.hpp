// AVX-512 with VNNI and BF16: a lane adds two products of bf16 in one
// instruction, so the inputs are rounded to bf16 there. Sums are those of the
// processor: subnormal numbers count as zero.
#pragma once

#include "kernels/cpu/lanes_avx512_vnni.hpp"

namespace troupe::kernels {

struct Avx512Bf16Lanes : Avx512VnniLanesOf<Avx512Bf16Lanes> {
  using Pair = std::uint32_t;
  using Pairs = __m512i;

  static Pair pair(float even, float odd) {
    return static_cast<std::uint32_t>(narrow(even)) |
           static_cast<std::uint32_t>(narrow(odd)) << 16;
  }
  static Pairs load_pairs(const std::uint32_t* from) {
    return _mm512_loadu_si512(from);
  }
  static __m512 add_products(__m512 sum, Pairs w, Pair x) {
    return _mm512_dpbf16_ps(
        sum, reinterpret_cast<__m512bh>(w),
        reinterpret_cast<__m512bh>(_mm512_set1_epi32(static_cast<int>(x))));
  }

 private:
  // To the nearest, ties to even; what is no number stays none.
  static std::uint16_t narrow(float x) {
    std::uint32_t bits;
    __builtin_memcpy(&bits, &x, 4);
    if (x != x) return static_cast<std::uint16_t>(bits >> 16 | 0x40);
    return static_cast<std::uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
  }
};

}  // namespace troupe::kernels
