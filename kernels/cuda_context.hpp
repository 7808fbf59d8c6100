// CUDA devices, found and opened. Only the CUDA device program links this; on
// a machine without a driver it finds none and says so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "kernels/context.hpp"
#include "kernels/cuda_memory.hpp"

namespace troupe {

/// Compute capability below which no kernel of ours is compiled.
inline constexpr std::int32_t kLeastCudaSm = 80;

struct CudaDevice {
  std::uint32_t ordinal = 0;
  std::string name;
  std::int32_t sm = 0;  // 90 = Hopper.
  std::int64_t bytes = 0;
};

/// In the order of their ordinals; at least one. Errors, with CUDA's own words:
/// not_found (no driver, or no device that it shows), device_lost (the driver
/// is too old, or fails).
Result<std::vector<CudaDevice>> cuda_devices();

/// What nobody has taken of a device's memory at this moment; 0 where others
/// have all of it, or the device to themselves. Takes some itself, until the
/// process ends. Errors: device_lost.
Result<std::int64_t> cuda_free_bytes(std::uint32_t ordinal);

/// The newest version of CUDA that the driver can do, "12.8"; empty: there is
/// no driver.
std::string cuda_driver_version();

/// What the Context of one CUDA device points to: its stream, its memory, the
/// scratch, the libraries. Used by one thread at a time; one that did not open
/// it begins by allocating there.
class OpenCudaDevice {
 public:
  /// Errors: not_found (no such device), unsupported (older than 8.0),
  /// out_of_memory, device_lost.
  static Result<std::unique_ptr<OpenCudaDevice>> open(
      std::uint32_t ordinal, std::size_t scratch_bytes);
  ~OpenCudaDevice();
  OpenCudaDevice(const OpenCudaDevice&) = delete;
  OpenCudaDevice& operator=(const OpenCudaDevice&) = delete;

  Context& context() { return context_; }

 private:
  OpenCudaDevice() = default;

  Context context_;
  std::unique_ptr<DeviceMemory> memory_;
  std::unique_ptr<StepGraphs> graphs_;
  std::byte* scratch_ = nullptr;
  std::unique_ptr<CudaLibraries, void (*)(CudaLibraries*)> libraries_{nullptr,
                                                                      nullptr};
};

}  // namespace troupe
