// kernels/launch.cuh for g++: the same names, the blocks run on the CPU.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>

#include "tests/cuda_shim/shim/block.hpp"

namespace troupe::kernels {

struct LaunchConfig {
  const char* name;
  dim3 blocks;
  dim3 threads;
  std::size_t shared_bytes = 0;
  cudaStream_t stream = nullptr;
};

/// Without a stream at once, else in its order.
template <class... Params, class... Args>
void launch(void (*kernel)(Params...), const LaunchConfig& c, Args... args) {
  const cuda_shim::Launch how{
      .name = c.name,
      .blocks = {c.blocks.x, c.blocks.y, c.blocks.z},
      .threads = {c.threads.x, c.threads.y, c.threads.z},
      .shared_bytes = c.shared_bytes};
  const auto work = [=] {
    cuda_shim::run(how, [&] { kernel(static_cast<Params>(args)...); });
  };
  if (c.stream == nullptr) return work();
  (cuda_shim::check_argument(*c.stream, c.name, args), ...);
  c.stream->add(work);
}

template <class T>
T& shared_as(const cuda_shim::Site& site = cuda_shim::Site::here()) {
  return *static_cast<T*>(cuda_shim::shared_memory(sizeof(T), site));
}

}  // namespace troupe::kernels
