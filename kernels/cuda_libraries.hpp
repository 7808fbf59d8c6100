// CUDA's libraries, made before a run: the handle of cuBLASLt and a plan for
// each shape of product that was ever asked for.
#pragma once

#include <memory>

namespace troupe {

struct CudaLibraries {
  /// Throws std::runtime_error where cuBLASLt cannot start. REQUIRES: a device
  /// is this thread's.
  CudaLibraries();
  ~CudaLibraries();
  CudaLibraries(const CudaLibraries&) = delete;
  CudaLibraries& operator=(const CudaLibraries&) = delete;

  struct Products;
  std::unique_ptr<Products> products;
};

}  // namespace troupe
