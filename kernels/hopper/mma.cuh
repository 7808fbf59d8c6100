// Products of a single warp, and how it gets their right operands out of
// shared memory. The tests' imitation replaces this file.
#pragma once

#include "kernels/hopper/ptx.cuh"

namespace troupe::kernels::hopper {

/// Four matrices of 8 x 8 bf16. Lane l gives the address of row l % 8 of matrix
/// l / 8 and gets, of each, row l / 4 and there the columns l % 4 * 2 and one
/// on.
__device__ inline void load_matrices(std::uint32_t (&to)[4], const void* row) {
  asm volatile(
      "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
      : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
      : "r"(shared_address(row))
      : "memory");
}

/// The same, rows and columns exchanged once they are read.
__device__ inline void load_matrices_across(std::uint32_t (&to)[4],
                                            const void* row) {
  asm volatile(
      "ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
      : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
      : "r"(shared_address(row))
      : "memory");
}

/// sums [16, 8] += left [16, 16] * right [16, 8]; bf16 in, fp32 sums. Lane l
/// holds the rows l / 4 and, behind them, l / 4 + 8.
__device__ inline void multiply_small(float (&sums)[4],
                                      const std::uint32_t (&left)[4],
                                      std::uint32_t right,
                                      std::uint32_t right_below) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, "
      "{%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
      : "r"(left[0]), "r"(left[1]), "r"(left[2]), "r"(left[3]), "r"(right),
        "r"(right_below));
}

}  // namespace troupe::kernels::hopper
