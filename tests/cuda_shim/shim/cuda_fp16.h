// fp16 as memory: converted, never computed with.
#pragma once

#include <cstdint>

#include "kernels/numbers.hpp"

struct __half {
  std::uint16_t bits;
};
inline float __half2float(__half x) {
  return troupe::f16_to_f32(x.bits);
}
inline __half __float2half(float x) {
  return {troupe::f32_to_f16(x)};
}
