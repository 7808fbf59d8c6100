// What starting a Hopper kernel asks of the driver. The tests' imitation
// replaces this file.
#pragma once

#include <cuda.h>
#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/hopper/ptx.cuh"
#include "kernels/launch.cuh"

namespace troupe::kernels::hopper {

/// Dense [z, y, x] of bf16 and the part of it that one copy takes.
struct BoxedTensor {
  const void* data;  // Aligned to 16 bytes.
  std::int64_t z, y, x;
  int box_z, box_y, box_x;  // <= 256; box_x * 2 bytes: a swizzle's 128.
};

/// Throws CudaError. The driver's function is found at run time: nothing of
/// ours links the driver.
inline TensorMap make_map(const BoxedTensor& tensor) {
  void* found = nullptr;
  cudaDriverEntryPointQueryResult result{};
  check(cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &found,
                                         12000, cudaEnableDefault, &result),
        "cuTensorMapEncodeTiled");
  if (found == nullptr) throw CudaError("the driver has no tensor maps");
  const cuuint64_t sizes[] = {static_cast<cuuint64_t>(tensor.x),
                              static_cast<cuuint64_t>(tensor.y),
                              static_cast<cuuint64_t>(tensor.z)};
  const cuuint64_t strides[] = {sizes[0] * 2, sizes[0] * sizes[1] * 2};
  const cuuint32_t box[] = {static_cast<cuuint32_t>(tensor.box_x),
                            static_cast<cuuint32_t>(tensor.box_y),
                            static_cast<cuuint32_t>(tensor.box_z)};
  const cuuint32_t steps[] = {1, 1, 1};
  TensorMap map;
  const auto encode =
      reinterpret_cast<decltype(&cuTensorMapEncodeTiled)>(found);
  const auto encoded = encode(
      &map, CU_TENSOR_MAP_DATA_TYPE_BFLOAT16, 3, const_cast<void*>(tensor.data),
      sizes, strides, box, steps, CU_TENSOR_MAP_INTERLEAVE_NONE,
      CU_TENSOR_MAP_SWIZZLE_128B, CU_TENSOR_MAP_L2_PROMOTION_L2_256B,
      CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  if (encoded != CUDA_SUCCESS)
    throw CudaError("cuTensorMapEncodeTiled: error " +
                    std::to_string(static_cast<int>(encoded)));
  return map;
}

/// Multiprocessors of the current device.
inline int multiprocessors() {
  int device = 0, count = 0;
  check(cudaGetDevice(&device), "cudaGetDevice");
  check(cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, device),
        "multiprocessors");
  return count;
}

}  // namespace troupe::kernels::hopper
