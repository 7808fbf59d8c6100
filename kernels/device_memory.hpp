// The memory of a Context's device: what goes in, out and about, for who knows
// nothing of devices. Computes nothing.
#pragma once

#include <cstddef>

#include "core/result.hpp"

namespace troupe {

struct Context;

/// A device's own memory, which programs must not look into; in its Context. A
/// CPU has none: its memory is the program's. One thread's, as the Context.
class DeviceMemory {
 public:
  virtual ~DeviceMemory() = default;

  /// Aligned to 256 bytes, uninitialised; give it back by free(). REQUIRES:
  /// bytes > 0. Errors: out_of_memory, with the amount; device_lost.
  virtual Result<std::byte*> allocate(std::size_t bytes) = 0;
  /// Waits for what still uses it.
  virtual void free(std::byte* block) = 0;

  /// The next three are done in the order of the ops. `host` may be changed as
  /// soon as this returns. Errors: device_lost.
  virtual Status copy_in(void* to, const void* host, std::size_t bytes) = 0;
  /// `host` holds it after wait().
  virtual Status copy_out(void* host, const void* from, std::size_t bytes) = 0;
  /// Within the device.
  virtual Status copy(void* to, const void* from, std::size_t bytes) = 0;

  /// Until all that was asked for is done. Errors: device_lost, of any op
  /// before.
  virtual Status wait() = 0;
};

namespace kernels {

/// As those of DeviceMemory; on a CPU done at once. A Context that measures
/// does nothing. Ranges do not overlap.
Status copy_in(const Context& ctx, void* to, const void* host,
               std::size_t bytes);
Status copy_out(const Context& ctx, void* host, const void* from,
                std::size_t bytes);
Status copy(const Context& ctx, void* to, const void* from, std::size_t bytes);
Status wait(const Context& ctx);

}  // namespace kernels
}  // namespace troupe
