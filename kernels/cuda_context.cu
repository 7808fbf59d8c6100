#include "kernels/cuda_context.hpp"

#include <cuda_runtime.h>

#include <exception>
#include <string>
#include <utility>

#include "kernels/cuda_errors.cuh"
#include "kernels/cuda_libraries.hpp"
#include "kernels/cuda_ops.hpp"

namespace troupe {
namespace {

// CUDA calls a driver that is not there and one that is too old by one name.
Error no_devices(cudaError_t error) {
  const auto driver = cuda_driver_version();
  const bool too_old = error == cudaErrorInsufficientDriver && !driver.empty();
  const bool none = error == cudaErrorNoDevice ||
                    (error == cudaErrorInsufficientDriver && !too_old);
  auto why = cuda_failed(none ? Errc::not_found : Errc::device_lost,
                         "look for devices", error);
  if (none && driver.empty()) why.message += "; there is no driver";
  if (too_old)
    why.message += "; the driver can do CUDA " + driver + ": update it";
  return why;
}

}  // namespace

Result<std::vector<CudaDevice>> cuda_devices() {
  int count = 0;
  if (const auto error = cudaGetDeviceCount(&count); error != cudaSuccess)
    return no_devices(error);
  std::vector<CudaDevice> devices;
  for (int i = 0; i < count; ++i) {
    cudaDeviceProp properties{};
    if (const auto error = cudaGetDeviceProperties(&properties, i);
        error != cudaSuccess)
      return cuda_failed(Errc::device_lost, "ask a device what it is", error);
    devices.push_back(
        {.ordinal = static_cast<std::uint32_t>(i),
         .name = properties.name,
         .sm = properties.major * 10 + properties.minor,
         .bytes = static_cast<std::int64_t>(properties.totalGlobalMem)});
  }
  return devices;
}

Result<std::int64_t> cuda_free_bytes(std::uint32_t ordinal) {
  std::size_t free = 0, total = 0;
  // Both begin to use the device, and fail where it cannot be used now.
  auto error = cudaSetDevice(static_cast<int>(ordinal));
  if (error == cudaSuccess) error = cudaMemGetInfo(&free, &total);
  if (error == cudaErrorMemoryAllocation ||
      error == cudaErrorDevicesUnavailable) {
    static_cast<void>(cudaGetLastError());
    return std::int64_t{0};
  }
  if (auto asked = lost_if(error, "ask what memory is free"); !asked)
    return asked.error();
  return static_cast<std::int64_t>(free);
}

std::string cuda_driver_version() {
  int version = 0;  // Stays 0 where there is no driver.
  if (cudaDriverGetVersion(&version) != cudaSuccess || version == 0) return {};
  return std::to_string(version / 1000) + "." +
         std::to_string(version % 1000 / 10);
}

Result<std::unique_ptr<OpenCudaDevice>> OpenCudaDevice::open(
    std::uint32_t ordinal, std::size_t scratch_bytes) {
  auto devices = cuda_devices();
  if (!devices) return devices.error();
  if (ordinal >= devices->size())
    return Error{Errc::not_found, "there is no CUDA device " +
                                      std::to_string(ordinal) + "; there are " +
                                      std::to_string(devices->size())};
  const auto& device = (*devices)[ordinal];
  if (device.sm < kLeastCudaSm)
    return Error{Errc::unsupported,
                 device.name + " is of compute capability " +
                     std::to_string(device.sm) + "; at least " +
                     std::to_string(kLeastCudaSm) + " is needed"};
  if (auto taken =
          lost_if(cudaSetDevice(static_cast<int>(ordinal)), "take the device");
      !taken)
    return taken.error();
  std::unique_ptr<OpenCudaDevice> opened{new OpenCudaDevice};
  auto& ctx = opened->context_;
  ctx.device = {.backend = Backend::cuda, .ordinal = ordinal, .sm = device.sm};
  if (auto made =
          lost_if(cudaStreamCreateWithFlags(&ctx.stream, cudaStreamNonBlocking),
                  "make a stream");
      !made)
    return made.error();
  opened->memory_ = cuda_memory(ordinal, ctx.stream);
  ctx.memory = opened->memory_.get();
  opened->graphs_ = cuda_step_graphs(ctx.stream);
  ctx.graphs = opened->graphs_.get();
  if (scratch_bytes > 0) {
    const auto scratch = ctx.memory->allocate(scratch_bytes);
    if (!scratch) return scratch.error();
    opened->scratch_ = *scratch;
    ctx.scratch = {*scratch, scratch_bytes};
  }
  try {
    opened->libraries_ = {new CudaLibraries,
                          [](CudaLibraries* libraries) { delete libraries; }};
  } catch (const std::exception& failure) {
    return Error{Errc::device_lost, failure.what()};
  }
  ctx.libraries = opened->libraries_.get();
  ctx.cuda_ops = kernels::cuda_ops();
  return Result<std::unique_ptr<OpenCudaDevice>>{std::move(opened)};
}

OpenCudaDevice::~OpenCudaDevice() {
  if (context_.stream == nullptr) return;
  cudaStreamSynchronize(context_.stream);
  if (scratch_ != nullptr) memory_->free(scratch_);
  memory_.reset();  // Its copies are the stream's.
  cudaStreamDestroy(context_.stream);
}

}  // namespace troupe
