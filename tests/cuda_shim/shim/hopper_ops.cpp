// For programs whose devices are the shim's: none of them is a Hopper, so
// nobody gets as far as to use this table.
#include "core/result.hpp"
#include "kernels/hopper/ops.hpp"

namespace troupe::kernels {

std::span<const CudaOp> hopper_ops() {
  TROUPE_ASSERT(false);
  return {};
}

}  // namespace troupe::kernels
