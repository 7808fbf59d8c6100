// What the tests of the shim itself launch, and what it says to that.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <string>

#include "kernels/warp.cuh"
#include "test_device.hpp"
#include "tests/cuda_shim/shim/kernels/launch.cuh"

namespace troupe::kernels {

/// What the launch complained about; empty where it did not.
template <class... Params, class... Args>
std::string complaint(void (*kernel)(Params...), dim3 blocks, dim3 threads,
                      std::size_t shared_bytes, Args... args) {
  try {
    launch(kernel,
           {.name = "test",
            .blocks = blocks,
            .threads = threads,
            .shared_bytes = shared_bytes},
           args...);
  } catch (const cuda_shim::Violation& violation) {
    return violation.what();
  }
  return {};
}

struct Turned {
  float values[96];
};

/// Turned round, where nobody forgot the barrier.
__global__ inline void turn_kernel(float* values, bool waits) {
  auto& shared = shared_as<Turned>();
  const auto i = threadIdx.x;
  shared.values[i] = values[i];
  if (waits) __syncthreads();
  values[i] = shared.values[95 - i];
}

}  // namespace troupe::kernels
