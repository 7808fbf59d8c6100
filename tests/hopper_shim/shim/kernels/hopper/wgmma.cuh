// kernels/hopper/wgmma.cuh for g++: products are done when they are begun, or
// when somebody waits for them; until then their sums are no numbers.
#pragma once

#include <cstdint>

#include "tests/hopper_shim/shim/products.hpp"

namespace troupe::kernels::hopper {

inline void open_products() {}
inline void close_products() {
  cuda_shim::close_products();
}
template <int kGroups>
void wait_products() {
  cuda_shim::wait_products(kGroups);
}

template <class T, int kCount>
void pin(T (&)[kCount]) {}

template <int kCount>
void multiply_rows(float (&s)[kCount], std::uint64_t left, std::uint64_t right,
                   bool add) {
  cuda_shim::begin_product({.sums = s,
                            .columns = kCount * 2,
                            .left = left,
                            .right = right,
                            .right_along_columns = false,
                            .left_in_registers = false,
                            .add = add});
}

template <int kCount>
void multiply_columns(float (&s)[kCount], const std::uint32_t* left,
                      std::uint64_t right) {
  cuda_shim::begin_product({.sums = s,
                            .columns = kCount * 2,
                            .registers = {left[0], left[1], left[2], left[3]},
                            .right = right,
                            .right_along_columns = true,
                            .left_in_registers = true,
                            .add = true});
}

}  // namespace troupe::kernels::hopper
