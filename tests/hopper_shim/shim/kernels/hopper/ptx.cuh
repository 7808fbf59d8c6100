// kernels/hopper/ptx.cuh for g++: the same names, done by what runs the block.
#pragma once

#include <cuda_runtime.h>

#include <cmath>
#include <cstdint>
#include <cstring>

#include "kernels/numbers.hpp"
#include "tests/hopper_shim/shim/warpgroups.hpp"

#define __grid_constant__

struct alignas(8) float2 {
  float x, y;
};
struct alignas(16) uint4 {
  unsigned x, y, z, w;
};
inline float2 make_float2(float x, float y) {
  return {x, y};
}
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) {
  return {x, y, z, w};
}

namespace troupe::kernels::hopper {

using cuda_shim::Site;

/// What cuTensorMapEncodeTiled would hide.
struct TensorMap {
  const std::uint16_t* data;
  std::int64_t z, y, x;
  int box_z, box_y, box_x;
};

inline std::uint32_t shared_address(const void* at) {
  return cuda_shim::shared_offset(at);
}
inline float power_of_two(float x) {
  return std::exp2(x);
}
inline std::uint32_t pair_of(float first, float second) {
  return f32_to_bf16(first) | std::uint32_t{f32_to_bf16(second)} << 16;
}

struct Barrier {
  int arrivals;
  int missing;
  std::int64_t bytes;
  unsigned phase;
};

inline void start_barrier(Barrier& barrier, unsigned arrivals) {
  barrier = {static_cast<int>(arrivals), static_cast<int>(arrivals), 0, 0};
}
inline void show_barriers() {}

inline void end_phase_if_due(Barrier& barrier) {
  if (barrier.missing != 0 || barrier.bytes != 0) return;
  ++barrier.phase;
  barrier.missing = barrier.arrivals;
}
inline void arrive_expecting(Barrier& barrier, unsigned bytes,
                             const Site& site = Site::here()) {
  barrier.bytes += bytes;
  if (barrier.missing-- == 0)
    cuda_shim::violate("arrives where nobody is missed", site);
  end_phase_if_due(barrier);
}
inline void arrive(Barrier& barrier, const Site& site = Site::here()) {
  arrive_expecting(barrier, 0, site);
}
inline void wait_for(Barrier& barrier, unsigned parity,
                     const Site& site = Site::here()) {
  cuda_shim::wait_until(
      "a barrier's phase",
      [&barrier, parity] { return barrier.phase % 2 != parity; }, site);
}

inline void prefetch_map(const TensorMap&) {}

inline void copy_box(void* to, const TensorMap& map, Barrier& barrier, int x,
                     int y, int z, const Site& site = Site::here()) {
  const auto at = shared_address(to);
  if (at % 1024 != 0) cuda_shim::violate("copies to no atom's start", site);
  cuda_shim::copy_later([=, map = map, &barrier] {
    std::uint32_t row = 0;
    for (int k = 0; k < map.box_z; ++k)
      for (int j = 0; j < map.box_y; ++j, ++row)
        for (int i = 0; i < map.box_x; ++i) {
          const std::int64_t from[] = {z + k, y + j, x + i};
          const bool inside =
              from[0] < map.z && from[1] < map.y && from[2] < map.x;
          const std::uint16_t value =
              inside ? map.data[(from[0] * map.y + from[1]) * map.x + from[2]]
                     : std::uint16_t{0};
          // Written down anew from the manual, not taken from layout.hpp.
          const auto piece = static_cast<std::uint32_t>(i / 8) ^ row % 8;
          const auto offset = at + row * 128 + piece * 16 +
                              static_cast<std::uint32_t>(i % 8) * 2;
          std::memcpy(cuda_shim::shared_bytes(offset, 2), &value, 2);
        }
    barrier.bytes -= std::int64_t{row} * map.box_x * 2;
    end_phase_if_due(barrier);
  });
}

inline void show_writes() {}

inline void meet_at(int id, int threads, const Site& site = Site::here()) {
  cuda_shim::come_to(id, threads, true, site);
}
inline void pass_by(int id, int threads, const Site& site = Site::here()) {
  cuda_shim::come_to(id, threads, false, site);
}

template <int kRegisters>
void give_registers(const Site& site = Site::here()) {
  cuda_shim::set_registers(kRegisters, site);
}
template <int kRegisters>
void take_registers(const Site& site = Site::here()) {
  cuda_shim::set_registers(kRegisters, site);
}

}  // namespace troupe::kernels::hopper
