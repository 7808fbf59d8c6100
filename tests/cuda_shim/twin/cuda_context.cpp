// One CUDA device that is none, for the twin of troupe-device-cuda: the ops are
// the kernels' own sources under the shim.
#include "kernels/cuda_context.hpp"

#include "kernels/cuda_libraries.hpp"
#include "kernels/cuda_ops.hpp"

namespace troupe {

struct CudaLibraries::Products {};
CudaLibraries::CudaLibraries() = default;
CudaLibraries::~CudaLibraries() = default;

Result<std::vector<CudaDevice>> cuda_devices() {
  return std::vector<CudaDevice>{
      {.ordinal = 0, .name = "Shim 1GB", .sm = 80, .bytes = 1ll << 30}};
}

Result<std::int64_t> cuda_free_bytes(std::uint32_t) {
  return std::int64_t{1} << 30;
}

std::string cuda_driver_version() {
  return "0.0";
}

Result<std::unique_ptr<OpenCudaDevice>> OpenCudaDevice::open(
    std::uint32_t ordinal, std::size_t) {
  if (ordinal != 0) return Error{Errc::not_found, "there is one device"};
  std::unique_ptr<OpenCudaDevice> opened{new OpenCudaDevice};
  opened->context_.device = {.backend = Backend::cuda, .ordinal = 0, .sm = 80};
  opened->context_.cuda_ops = kernels::cuda_ops();
  return Result<std::unique_ptr<OpenCudaDevice>>{std::move(opened)};
}

OpenCudaDevice::~OpenCudaDevice() = default;

void DeviceMemory::Free::operator()(std::byte*) const {}

}  // namespace troupe
