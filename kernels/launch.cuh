// The one way to start a kernel: no other file writes <<<>>>, so that one
// place adds error checks, and the tests' imitation of CUDA replaces one file.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <stdexcept>
#include <string>

namespace troupe::kernels {

/// Thrown where CUDA fails; cuda_ops.hpp turns it into Errc::device_lost.
struct CudaError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline void check(cudaError_t error, const char* what) {
  if (error != cudaSuccess)
    throw CudaError(std::string(what) + ": " + cudaGetErrorString(error));
}

struct LaunchConfig {
  const char* name;  // For errors and traces.
  dim3 blocks;       // No extent may be 0: callers return early.
  dim3 threads;
  std::size_t shared_bytes = 0;  // Of shared_as(): at most 99 KiB.
  cudaStream_t stream = nullptr;
};

/// Asynchronous. Throws CudaError.
template <class... Params, class... Args>
void launch(void (*kernel)(Params...), const LaunchConfig& c, Args... args) {
  constexpr std::size_t kWithoutAsking = 48 * 1024;
  if (c.shared_bytes > kWithoutAsking)
    check(cudaFuncSetAttribute(kernel,
                               cudaFuncAttributeMaxDynamicSharedMemorySize,
                               static_cast<int>(c.shared_bytes)),
          c.name);
  kernel<<<c.blocks, c.threads, c.shared_bytes, c.stream>>>(args...);
  check(cudaGetLastError(), c.name);
}

/// A block's shared memory; the launch gives it sizeof(T). Not initialised.
template <class T>
__device__ T& shared_as() {
  extern __shared__ __align__(16) unsigned char bytes[];
  return *reinterpret_cast<T*>(bytes);
}

}  // namespace troupe::kernels
