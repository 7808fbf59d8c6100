// The table of the ops' CUDA versions with Hopper's own among them. Which table
// a Context gets is the switch: a program gives this one only where it is
// configured to, until a run on a device is on record in bench/results.
#pragma once

#include <span>

#include "kernels/context.hpp"

namespace troupe::kernels {

/// For a device of compute capability 9.0. Prefill over a bf16 cache is
/// Hopper's where the Context's scratch has room for it (prefill_bytes()).
/// Lives as long as the program. What CUDA throws comes back as device_lost.
std::span<const CudaOp> hopper_ops();

}  // namespace troupe::kernels
