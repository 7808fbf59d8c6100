// What Hopper has no C++ for, one instruction a function: barriers in shared
// memory, tile copies, the waits of a few warps, registers that change hands.
// Nothing here decides anything. The tests' imitation replaces this file.
#pragma once

#include <cuda.h>
#include <cuda_runtime.h>

#include <cstdint>

namespace troupe::kernels::hopper {

using TensorMap = CUtensorMap;

__device__ inline std::uint32_t shared_address(const void* at) {
  return static_cast<std::uint32_t>(__cvta_generic_to_shared(at));
}

/// 2^x; 0 for x = -infinity.
__device__ inline float power_of_two(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

/// Two numbers as bf16, the first in the lower half.
__device__ inline std::uint32_t pair_of(float first, float second) {
  std::uint32_t pair;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(second), "f"(first));
  return pair;
}

// -- barriers in shared memory ------------------------------------------------

struct Barrier {
  std::uint64_t bits;
};

/// So many arrivals end a phase.
__device__ inline void start_barrier(Barrier& barrier, unsigned arrivals) {
  asm volatile(
      "mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(&barrier)),
      "r"(arrivals)
      : "memory");
}

/// After start_barrier(), before tile copies use it.
__device__ inline void show_barriers() {
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

__device__ inline void arrive(Barrier& barrier) {
  asm volatile(
      "mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(shared_address(&barrier))
      : "memory");
}

/// Arrives; the phase also waits for so many bytes of tile copies.
__device__ inline void arrive_expecting(Barrier& barrier, unsigned bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(
                   shared_address(&barrier)),
               "r"(bytes)
               : "memory");
}

/// Returns once the phase of this parity has ended. Of a fresh barrier that of
/// parity 1 has.
__device__ inline void wait_for(Barrier& barrier, unsigned parity) {
  std::uint32_t ended = 0;
  while (ended == 0)
    asm volatile(
        "{\n"
        ".reg .pred p;\n"
        "mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\n"
        "selp.u32 %0, 1, 0, p;\n"
        "}\n"
        : "=r"(ended)
        : "r"(shared_address(&barrier)), "r"(parity)
        : "memory");
}

// -- tile copies --------------------------------------------------------------

__device__ inline void prefetch_map(const TensorMap& map) {
  asm volatile("prefetch.tensormap [%0];" ::"l"(&map) : "memory");
}

/// Copies the map's box at these elements to shared memory, where it ends up
/// swizzled; elements outside of the tensor are 0. One thread's work.
__device__ inline void copy_box(void* to, const TensorMap& map,
                                Barrier& barrier, int x, int y, int z) {
  asm volatile(
      "cp.async.bulk.tensor.3d.shared::cluster.global.mbarrier::complete_tx"
      "::bytes [%0], [%1, {%3, %4, %5}], [%2];" ::"r"(shared_address(to)),
      "l"(&map), "r"(shared_address(&barrier)), "r"(x), "r"(y), "r"(z)
      : "memory");
}

/// What this thread wrote to shared memory is seen by copies and products.
__device__ inline void show_writes() {
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

// -- warps among themselves ---------------------------------------------------

/// Waits until `threads` have come to barrier `id` of 16, these included.
__device__ inline void meet_at(int id, int threads) {
  asm volatile("bar.sync %0, %1;" ::"r"(id), "r"(threads) : "memory");
}

/// Comes, and does not wait.
__device__ inline void pass_by(int id, int threads) {
  asm volatile("bar.arrive %0, %1;" ::"r"(id), "r"(threads) : "memory");
}

/// The registers of a thread of this warpgroup, from here on. All its warps.
template <int kRegisters>
__device__ inline void give_registers() {
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(kRegisters));
}
template <int kRegisters>
__device__ inline void take_registers() {
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(kRegisters));
}

}  // namespace troupe::kernels::hopper
