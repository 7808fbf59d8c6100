// What a block of 1,024 threads finds out about a row without sorting it: where
// a share of it is reached, by value or by index. All amounts are integers, so
// the order of additions does not matter and every run gives the same.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/warp.cuh"

namespace troupe::kernels {

using Amount = unsigned long long;

inline constexpr int kSelectThreads = 1024;
inline constexpr int kSelectWarps = kSelectThreads / kWarp;
inline constexpr int kDigits = 2048;

struct SelectShared {
  Amount histogram[kDigits];
  Amount warps[kSelectWarps];
  std::uint32_t digit;
  Amount above;
};

/// Ordered as the numbers are; the two zeros are one.
__device__ inline std::uint32_t key_of(float value) {
  const auto bits = __float_as_uint(value + 0.f);
  return bits >> 31 != 0 ? ~bits : bits | 0x80000000u;
}

/// Up to and with the lane's own.
__device__ inline Amount sum_up_to_lane(Amount amount) {
  const unsigned lane = threadIdx.x % kWarp;
#pragma unroll
  for (unsigned by = 1; by < kWarp; by *= 2) {
    const auto other = __shfl_up_sync(kAllLanes, amount, by);
    if (lane >= by) amount += other;
  }
  return amount;
}

__device__ inline Amount sum_of_warp(Amount amount) {
#pragma unroll
  for (int lanes = kWarp / 2; lanes >= 1; lanes /= 2)
    amount += __shfl_xor_sync(kAllLanes, amount, lanes);
  return amount;
}

struct Cut {
  std::uint32_t key;
  Amount above;  // What those with a higher key have.
};

// Sets digit and above to the digit at which those from the highest on have
// `enough` together with `above`; a thread has two digits, highest first.
__device__ inline void cross(SelectShared& shared, Amount above,
                             Amount enough) {
  const int thread = static_cast<int>(threadIdx.x);
  const int high = kDigits - 1 - 2 * thread;
  const Amount first = shared.histogram[high];
  const Amount both = first + shared.histogram[high - 1];
  const Amount in_warp = sum_up_to_lane(both);
  if (thread % kWarp == kWarp - 1) shared.warps[thread / kWarp] = in_warp;
  __syncthreads();
  Amount before = above + in_warp - both;
  for (int warp = 0; warp < thread / kWarp; ++warp)
    before += shared.warps[warp];
  if (before < enough && before + both >= enough) {
    const bool in_first = before + first >= enough;
    shared.digit = static_cast<std::uint32_t>(in_first ? high : high - 1);
    shared.above = in_first ? before : before + first;
  }
  __syncthreads();
}

/// The key at which those from the highest on have `enough` together, by
/// histograms of the keys' digits. each(add) calls add(key, amount) for what
/// the thread has. REQUIRES: all together have `enough`, and that is not 0.
template <class Each>
__device__ Cut find_cut(SelectShared& shared, Amount enough, const Each& each) {
  Cut cut{0, 0};
  int higher = 32;
  for (int pass = 0; pass < 3; ++pass) {
    const int bits = pass == 2 ? 10 : 11;
    const int shift = higher - bits;
    for (int i = static_cast<int>(threadIdx.x); i < kDigits;
         i += kSelectThreads)
      shared.histogram[i] = 0;
    __syncthreads();
    each([&](std::uint32_t key, Amount amount) {
      if (higher == 32 || key >> higher == cut.key >> higher)
        atomicAdd(&shared.histogram[key >> shift & ((1u << bits) - 1)], amount);
    });
    __syncthreads();
    cross(shared, cut.above, enough);
    cut = {cut.key | shared.digit << shift, shared.above};
    higher = shift;
  }
  __syncthreads();
  return cut;
}

/// A row in parts, one for each warp; lanes side by side.
struct Parts {
  int begin;
  int end;
  int size;  // Of a part: a multiple of a warp.

  __device__ Parts(int begin_, int end_)
      : begin{begin_},
        end{end_},
        size{((end_ - begin_ + kSelectWarps - 1) / kSelectWarps + kWarp - 1) /
             kWarp * kWarp} {}

  /// Calls visit(index) for each index of the thread.
  template <class Visit>
  __device__ void each(const Visit& visit) const {
    const int thread = static_cast<int>(threadIdx.x);
    const int first = begin + thread / kWarp * size;
    const int last = min(first + size, end);
    for (int i = first + thread % kWarp; i < last; i += kWarp) visit(i);
  }
};

/// What the parts have, into shared.warps; returns what all have.
template <class AmountOf>
__device__ Amount sum_parts(SelectShared& shared, const Parts& parts,
                            const AmountOf& amount_of) {
  Amount sum = 0;
  parts.each([&](int i) { sum += amount_of(i); });
  sum = sum_of_warp(sum);
  __syncthreads();
  if (threadIdx.x % kWarp == 0) shared.warps[threadIdx.x / kWarp] = sum;
  __syncthreads();
  return sum_of_warp(shared.warps[threadIdx.x % kWarp]);
}

/// The first lane whose amounts up to it exceed `until`, which loses what lies
/// before. REQUIRES: all lanes' together exceed it.
__device__ inline int first_lane_over(Amount amount, Amount& until) {
  const Amount up_to = sum_up_to_lane(amount);
  const unsigned over = __ballot_sync(kAllLanes, up_to > until);
  const int lane = __popc(~over & (over - 1));
  until -= __shfl_sync(kAllLanes, up_to - amount, lane);
  return lane;
}

// Weights are at most 1 and 2^20 of them at most: sums stay below 2^64.
inline constexpr float kOneWeight = 8796093022208.f;  // 2^43

__device__ inline Amount amount_of(float weight) {
  return static_cast<Amount>(weight * kOneWeight + 0.5f);
}

/// The first index at which the amounts up to it exceed `until`. REQUIRES:
/// shared.warps is what sum_parts() left; all together exceed `until`.
template <class AmountOf>
__device__ int find_index(SelectShared& shared, Parts parts, Amount until,
                          const AmountOf& amount_of) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  for (;;) {
    const int part = first_lane_over(shared.warps[lane], until);
    const int begin = parts.begin + part * parts.size;
    const int end = min(begin + parts.size, parts.end);
    if (parts.size == kWarp) {
      const int i = begin + lane;
      return begin + first_lane_over(i < end ? amount_of(i) : 0, until);
    }
    parts = Parts{begin, end};
    sum_parts(shared, parts, amount_of);
  }
}

/// The first index at which the weights up to it exceed `uniform` times all.
/// `uniform` is of [0, 1) and has 53 bits: the product is exact. REQUIRES:
/// sum_parts() of the weights' amounts has just given `all`, which is not 0.
__device__ inline int draw_index(SelectShared& shared, const Parts& parts,
                                 const float* weights, Amount all,
                                 double uniform) {
  const auto bits = static_cast<Amount>(uniform * 0x1p53);
  return find_index(shared, parts, __umul64hi(bits << 11, all),
                    [&](int i) { return amount_of(weights[i]); });
}

}  // namespace troupe::kernels
