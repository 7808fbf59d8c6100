// The table of the ops' CUDA versions, for the Context of a CUDA device.
#pragma once

#include <span>

#include "kernels/context.hpp"

namespace troupe::kernels {

/// Lives as long as the program. What CUDA throws comes back as device_lost.
std::span<const CudaOp> cuda_ops();

}  // namespace troupe::kernels
