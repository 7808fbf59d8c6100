// AVX-512 with VNNI: a lane adds four products of bytes in one instruction.
#pragma once

#include "kernels/cpu/lanes_avx512.hpp"

namespace troupe::kernels {

template <class Level>
struct Avx512VnniLanesOf : Avx512LanesOf<Level> {
  static std::int32_t four_inputs(std::int32_t bytes) { return bytes; }
  static __m512i add_dots(__m512i sum, __m512i w, std::int32_t x) {
    return _mm512_dpbusd_epi32(sum, w, _mm512_set1_epi32(x));
  }
};

struct Avx512VnniLanes : Avx512VnniLanesOf<Avx512VnniLanes> {};

}  // namespace troupe::kernels
