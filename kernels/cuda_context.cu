#include "kernels/cuda_context.hpp"

#include <cuda_runtime.h>

#include <exception>
#include <string>
#include <utility>

#include "kernels/cuda_libraries.hpp"
#include "kernels/cuda_ops.hpp"

namespace troupe {
namespace {

Error failed(Errc code, const char* what, cudaError_t error) {
  // So that the next call does not report it again.
  static_cast<void>(cudaGetLastError());
  return {code,
          std::string("cuda, ") + what + ": " + cudaGetErrorString(error)};
}

Status lost_if(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return ok();
  return failed(Errc::device_lost, what, error);
}

// CUDA calls a driver that is not there and one that is too old by one name.
Error no_devices(cudaError_t error) {
  const auto driver = cuda_driver_version();
  const bool too_old = error == cudaErrorInsufficientDriver && !driver.empty();
  const bool none = error == cudaErrorNoDevice ||
                    (error == cudaErrorInsufficientDriver && !too_old);
  auto why = failed(none ? Errc::not_found : Errc::device_lost,
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
      return failed(Errc::device_lost, "ask a device what it is", error);
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

void DeviceMemory::Free::operator()(std::byte* data) const {
  cudaFree(data);
}

Result<DeviceMemory> DeviceMemory::allocate(std::size_t bytes) {
  DeviceMemory memory;
  if (bytes == 0) return Result<DeviceMemory>{std::move(memory)};
  void* data = nullptr;
  if (const auto error = cudaMalloc(&data, bytes); error != cudaSuccess)
    return failed(Errc::out_of_memory,
                  ("allocate " + std::to_string(bytes) + " bytes").c_str(),
                  error);
  memory.data_.reset(static_cast<std::byte*>(data));
  memory.size_ = bytes;
  return Result<DeviceMemory>{std::move(memory)};
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
  auto scratch = DeviceMemory::allocate(scratch_bytes);
  if (!scratch) return scratch.error();
  opened->scratch_ = std::move(*scratch);
  ctx.scratch = {opened->scratch_.data(), opened->scratch_.size()};
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
  cudaStreamDestroy(context_.stream);
}

Status OpenCudaDevice::copy_in(std::byte* device, const void* host,
                               std::size_t bytes) {
  return lost_if(cudaMemcpyAsync(device, host, bytes, cudaMemcpyHostToDevice,
                                 context_.stream),
                 "copy to the device");
}

Status OpenCudaDevice::copy_out(void* host, const std::byte* device,
                                std::size_t bytes) {
  return lost_if(cudaMemcpyAsync(host, device, bytes, cudaMemcpyDeviceToHost,
                                 context_.stream),
                 "copy from the device");
}

Status OpenCudaDevice::wait() {
  return lost_if(cudaStreamSynchronize(context_.stream), "wait");
}

}  // namespace troupe
