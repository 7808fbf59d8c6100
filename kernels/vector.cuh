// 16 bytes of a type at once, and its numbers as floats.
#pragma once

#include <cuda_bf16.h>
#include <cuda_runtime.h>

namespace troupe::kernels {

template <class T>
struct Vector {
  static constexpr int kCount = 16 / static_cast<int>(sizeof(T));
  alignas(16) T values[kCount];
};

/// REQUIRES: `from` is aligned to 16 bytes.
template <class T>
__device__ Vector<T> load_vector(const T* from) {
  return *reinterpret_cast<const Vector<T>*>(from);
}

__device__ inline float to_float(float value) {
  return value;
}
__device__ inline float to_float(__nv_bfloat16 value) {
  return __bfloat162float(value);
}

}  // namespace troupe::kernels
