// What CUDA says, as an Error.
#pragma once

#include <cuda_runtime.h>

#include <string>

#include "core/result.hpp"

namespace troupe {

/// "cuda, wait: an illegal memory access was encountered".
inline Error cuda_failed(Errc code, const std::string& what,
                         cudaError_t error) {
  // So that the next call does not report it again.
  static_cast<void>(cudaGetLastError());
  return {code, "cuda, " + what + ": " + cudaGetErrorString(error)};
}

inline Status lost_if(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return ok();
  return cuda_failed(Errc::device_lost, what, error);
}

}  // namespace troupe
