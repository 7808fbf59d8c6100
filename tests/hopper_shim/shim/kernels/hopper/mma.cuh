// kernels/hopper/mma.cuh for g++: what lanes hold is gathered by shuffles.
#pragma once

#include "kernels/hopper/ptx.cuh"

namespace troupe::kernels::hopper {

inline float half_of(std::uint32_t pair, unsigned which) {
  return bf16_to_f32(static_cast<std::uint16_t>(pair >> which * 16));
}

/// Element [row, column] of the matrix whose rows the lanes gave.
inline std::uint16_t element_of(std::uint32_t mine, unsigned matrix,
                                unsigned row, unsigned column,
                                const Site& site) {
  const auto at = cuda_shim::shuffled(~0u, mine, matrix * 8 + row, site);
  if (at % 16 != 0) cuda_shim::violate("loads an unaligned row", site);
  std::uint16_t bits = 0;
  std::memcpy(&bits, cuda_shim::shared_bytes(at + column * 2, 2), 2);
  return bits;
}

inline void load_matrices(std::uint32_t (&to)[4], const void* row,
                          const Site& site = Site::here()) {
  const auto lane = cuda_shim::lane_here();
  for (unsigned m = 0; m < 4; ++m)
    to[m] = element_of(shared_address(row), m, lane / 4, lane % 4 * 2, site) |
            std::uint32_t{element_of(shared_address(row), m, lane / 4,
                                     lane % 4 * 2 + 1, site)}
                << 16;
}

inline void load_matrices_across(std::uint32_t (&to)[4], const void* row,
                                 const Site& site = Site::here()) {
  const auto lane = cuda_shim::lane_here();
  for (unsigned m = 0; m < 4; ++m)
    to[m] = element_of(shared_address(row), m, lane % 4 * 2, lane / 4, site) |
            std::uint32_t{element_of(shared_address(row), m, lane % 4 * 2 + 1,
                                     lane / 4, site)}
                << 16;
}

inline void multiply_small(float (&sums)[4], const std::uint32_t (&left)[4],
                           std::uint32_t right, std::uint32_t right_below,
                           const Site& site = Site::here()) {
  const auto lane = cuda_shim::lane_here();
  for (unsigned k = 0; k < 16; ++k) {
    const auto holder = k % 8 / 2;
    float rows[2], columns[2];
    for (unsigned h = 0; h < 2; ++h) {
      rows[h] = half_of(cuda_shim::shuffled(~0u, left[k / 8 * 2 + h],
                                            lane / 4 * 4 + holder, site),
                        k % 2);
      columns[h] =
          half_of(cuda_shim::shuffled(~0u, k < 8 ? right : right_below,
                                      (lane % 4 * 2 + h) * 4 + holder, site),
                  k % 2);
    }
    for (unsigned i = 0; i < 4; ++i) sums[i] += rows[i / 2] * columns[i % 2];
  }
}

}  // namespace troupe::kernels::hopper
