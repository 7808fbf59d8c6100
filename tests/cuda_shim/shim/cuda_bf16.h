// bf16 as memory: converted, never computed with.
#pragma once

#include <cstdint>

#include "kernels/numbers.hpp"

struct __nv_bfloat16 {
  std::uint16_t bits;
};
inline float __bfloat162float(__nv_bfloat16 x) {
  return troupe::bf16_to_f32(x.bits);
}
inline __nv_bfloat16 __float2bfloat16(float x) {
  return {troupe::f32_to_bf16(x)};
}
