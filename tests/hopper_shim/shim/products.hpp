// Warpgroup products for g++, from descriptors as the PTX manual has them.
#pragma once

#include <array>
#include <cstdint>

namespace troupe::cuda_shim {

/// One wgmma of 64 x columns x 16, by the calling thread's warpgroup.
struct Product {
  float* sums = nullptr;  // The thread's columns / 2.
  int columns = 0;
  std::array<std::uint32_t, 4> registers{};  // The left operand's, or
  std::uint64_t left = 0;                    // its descriptor.
  std::uint64_t right = 0;
  bool right_along_columns = false;
  bool left_in_registers = false;
  bool add = true;
};

/// Before a launch: what an abandoned one had begun.
void forget_products();

void begin_product(const Product& product);
void close_products();
/// Returns once all groups but the latest `groups` are done.
void wait_products(int groups);

}  // namespace troupe::cuda_shim
