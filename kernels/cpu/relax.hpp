#pragma once

namespace troupe::kernels {

/// Tells the processor that the caller spins.
void relax();

}  // namespace troupe::kernels
