// kernels/hopper/host.cuh for g++.
#pragma once

#include "kernels/hopper/ptx.cuh"
#include "kernels/launch.cuh"

namespace troupe::kernels::hopper {

struct BoxedTensor {
  const void* data;
  std::int64_t z, y, x;
  int box_z, box_y, box_x;
};

inline TensorMap make_map(const BoxedTensor& tensor) {
  return {static_cast<const std::uint16_t*>(tensor.data),
          tensor.z,
          tensor.y,
          tensor.x,
          tensor.box_z,
          tensor.box_y,
          tensor.box_x};
}

// Few, so that each has several tiles.
inline int multiprocessors() {
  return 3;
}

}  // namespace troupe::kernels::hopper
