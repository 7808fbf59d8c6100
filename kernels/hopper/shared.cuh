// A block's shared memory where swizzled tiles may lie.
#pragma once

#include "kernels/hopper/layout.hpp"
#include "kernels/hopper/ptx.cuh"
#include "kernels/launch.cuh"

namespace troupe::kernels::hopper {

/// As shared_as(), from the first multiple of kAtomBytes on: the launch gives
/// it sizeof(T) + kAtomBytes.
template <class T>
__device__ T& shared_in_atoms() {
  struct Room {
    unsigned char bytes[sizeof(T) + kAtomBytes];
  };
  auto& room = shared_as<Room>();
  const auto past = shared_address(room.bytes) % kAtomBytes;
  return *reinterpret_cast<T*>(room.bytes + (kAtomBytes - past) % kAtomBytes);
}

}  // namespace troupe::kernels::hopper
