// The memory of a Context's device: what goes in, out and about, for who knows
// nothing of devices. Computes nothing.
#pragma once

#include <cstddef>
#include <span>

#include "core/result.hpp"

namespace troupe {

struct Context;

/// Of each of the two buffers. While the device copies from one the program
/// fills the other, which takes threads that must be started: with 64 MiB, a
/// millisecond of a PCIe 5 link, that is a tenth of the time and hidden.
inline constexpr std::size_t kStagingBytes = std::size_t{64} << 20;

/// Memory of the program that a device copies from at its full rate while the
/// program goes on (pinned): two buffers in turn. One thread's, but for what is
/// written into them.
class Staging {
 public:
  virtual ~Staging() = default;

  /// The buffer whose turn it is, kStagingBytes aligned to a page, once nothing
  /// sent from it is on its way. Errors: device_lost.
  virtual Result<std::span<std::byte>> next() = 0;
  /// In the order of the ops. REQUIRES: of what next() gave last; unchanged
  /// until next() gives it again. Errors: device_lost.
  virtual Status send(void* to, std::span<const std::byte> part) = 0;
};

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

  /// Made the first time, which takes tens of milliseconds, and kept as long as
  /// this. Errors: out_of_memory (of the machine), device_lost.
  virtual Result<Staging*> staging() = 0;
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
