// What our kernels use of CUDA, for g++: names, numbers and the waits that
// block.hpp keeps. A name that is missing here is a compile error, not a guess.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "tests/cuda_shim/shim/block.hpp"
#include "tests/cuda_shim/shim/runtime.hpp"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __restrict__
#define __launch_bounds__(...)
// Blocks run one after another: what they share may be a static.
#define __shared__ static

struct dim3 {
  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1)
      : x{x_}, y{y_}, z{z_} {}
  unsigned x, y, z;
};
struct uint3 {
  unsigned x, y, z;
};
inline uint3 threadIdx, blockIdx;
inline dim3 blockDim, gridDim;

struct alignas(16) float4 {
  float x, y, z, w;
};
struct alignas(8) uint2 {
  unsigned x, y;
};
inline float4 make_float4(float x, float y, float z, float w) {
  return {x, y, z, w};
}

// -- numbers ------------------------------------------------------------------

inline float __expf(float x) {
  return std::exp(x);
}
inline float rsqrtf(float x) {
  return 1.f / std::sqrt(x);
}
inline float __uint_as_float(unsigned x) {
  return std::bit_cast<float>(x);
}
inline unsigned __float_as_uint(float x) {
  return std::bit_cast<unsigned>(x);
}
inline int __popc(unsigned x) {
  return std::popcount(x);
}
inline std::uint64_t __umul64hi(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>(Wide{a} * b >> 64);
}
template <class T>
T __ldg(const T* at) {
  return *at;
}
template <class T>
T min(T a, std::type_identity_t<T> b) {
  return b < a ? b : a;
}
template <class T>
T max(T a, std::type_identity_t<T> b) {
  return a < b ? b : a;
}

// -- atomics: no thread is ever interrupted
// ------------------------------------

template <class T>
T atomicAdd(T* at, std::type_identity_t<T> by) {
  const T before = *at;
  *at += by;
  return before;
}
template <class T>
T atomicMax(T* at, std::type_identity_t<T> with) {
  const T before = *at;
  *at = before < with ? with : before;
  return before;
}

// -- waits
// ----------------------------------------------------------------------

using ShimSite = troupe::cuda_shim::Site;

inline void __syncthreads(const ShimSite& site = ShimSite::here()) {
  troupe::cuda_shim::block_barrier(site);
}

namespace troupe::cuda_shim {

template <class T>
T shuffled(unsigned mask, T value, unsigned source, const Site& site) {
  static_assert(sizeof(T) <= 8 && std::is_trivially_copyable_v<T>);
  Exchange mine{.what = Together::shuffle, .mask = mask, .source = source};
  std::memcpy(&mine.bits, &value, sizeof(T));
  const auto got = meet(mine, site);
  std::memcpy(&value, &got.bits, sizeof(T));
  return value;
}

inline std::uint32_t voted(unsigned mask, bool value, const Site& site) {
  return meet({.what = Together::vote,
               .mask = mask,
               .bits = value,
               .source = lane_here()},
              site)
      .nonzero;
}

}  // namespace troupe::cuda_shim

inline void __syncwarp(unsigned mask = ~0u,
                       const ShimSite& site = ShimSite::here()) {
  troupe::cuda_shim::meet(
      {.mask = mask, .source = troupe::cuda_shim::lane_here()}, site);
}
template <class T>
T __shfl_sync(unsigned mask, T value, int source,
              const ShimSite& site = ShimSite::here()) {
  return troupe::cuda_shim::shuffled(mask, value,
                                     static_cast<unsigned>(source) % 32, site);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int lanes,
                  const ShimSite& site = ShimSite::here()) {
  const auto source =
      troupe::cuda_shim::lane_here() ^ static_cast<unsigned>(lanes);
  return troupe::cuda_shim::shuffled(mask, value, source, site);
}
// Past either end a lane gets its own value back.
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned by,
                 const ShimSite& site = ShimSite::here()) {
  const auto lane = troupe::cuda_shim::lane_here();
  return troupe::cuda_shim::shuffled(mask, value, lane < by ? lane : lane - by,
                                     site);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned by,
                   const ShimSite& site = ShimSite::here()) {
  const auto lane = troupe::cuda_shim::lane_here();
  return troupe::cuda_shim::shuffled(mask, value,
                                     lane + by < 32 ? lane + by : lane, site);
}
inline unsigned __ballot_sync(unsigned mask, bool value,
                              const ShimSite& site = ShimSite::here()) {
  return troupe::cuda_shim::voted(mask, value, site);
}
inline bool __any_sync(unsigned mask, bool value,
                       const ShimSite& site = ShimSite::here()) {
  return troupe::cuda_shim::voted(mask, value, site) != 0;
}
