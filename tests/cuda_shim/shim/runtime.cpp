// CUDA's devices and their memory.
#include "tests/cuda_shim/shim/runtime.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include "tests/cuda_shim/shim/machine.hpp"

namespace troupe::cuda_shim {
namespace {

constexpr std::size_t kAlignment = 256;

}  // namespace

void set_devices(const DeviceKind& kind) {
  machine().kind = kind;
  machine().failed = cudaSuccess;
}

std::size_t device_bytes_in_use() {
  return machine().in_use();
}

std::size_t pinned_bytes_in_use() {
  return machine().pinned_in_use();
}

}  // namespace troupe::cuda_shim

using namespace troupe::cuda_shim;

// -- devices ------------------------------------------------------------------

const char* cudaGetErrorString(cudaError_t error) {
  return error == cudaSuccess ? "no error" : machine().why.c_str();
}

cudaError_t cudaGetLastError() {
  return machine().failed;
}

cudaError_t cudaGetDeviceCount(int* count) {
  *count = machine().kind.count;
  if (*count > 0) return cudaSuccess;
  return machine().fail(cudaErrorNoDevice, "the shim was told to have none");
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  const auto& kind = machine().kind;
  if (device < 0 || device >= kind.count)
    return machine().fail(cudaErrorInvalidDevice, "there is no such device");
  *properties = {.name = "Shim 1GB",
                 .totalGlobalMem = kind.bytes,
                 .major = kind.sm / 10,
                 .minor = kind.sm % 10};
  return cudaSuccess;
}

cudaError_t cudaSetDevice(int device) {
  if (device >= 0 && device < machine().kind.count) return cudaSuccess;
  return machine().fail(cudaErrorInvalidDevice, "there is no such device");
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = machine().kind.count > 0 ? 13000 : 0;
  return cudaSuccess;
}

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  *total = machine().kind.bytes;
  *free = *total - machine().in_use();
  return cudaSuccess;
}

// -- memory -------------------------------------------------------------------

cudaError_t cudaMalloc(void** block, std::size_t bytes) {
  auto& all = machine();
  if (auto* stream = recording_stream())
    return stream->spoil("memory was allocated");
  const auto used = all.in_use();
  if (used > all.kind.bytes || bytes > all.kind.bytes - used)
    return all.fail(cudaErrorMemoryAllocation, "out of memory");
  const auto inside = rounded(bytes, kAlignment);
  const auto whole = rounded(inside, page_bytes());
  auto* pages = ::mmap(nullptr, whole + page_bytes(), PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (pages == MAP_FAILED)
    return all.fail(cudaErrorMemoryAllocation, "out of memory");
  const Block made{static_cast<std::byte*>(pages), whole, bytes};
  made.open(true);
  std::memset(pages, 0xff, whole);  // Not initialised: not a number.
  made.open(false);
  auto* begin = made.pages + (whole - inside);
  all.blocks[begin] = made;
  *block = begin;
  return cudaSuccess;
}

cudaError_t cudaFree(void* block) {
  auto& all = machine();
  if (block == nullptr) return cudaSuccess;
  if (auto* stream = recording_stream())
    return stream->spoil("memory was freed");
  for (const auto& stream : all.streams) stream->finish();
  const auto found = all.blocks.find(static_cast<std::byte*>(block));
  if (found == all.blocks.end())
    return all.fail(cudaErrorInvalidValue, "this was not allocated");
  ::munmap(found->second.pages, found->second.page_bytes + page_bytes());
  all.blocks.erase(found);
  return cudaSuccess;
}

cudaError_t cudaHostAlloc(void** block, std::size_t bytes, unsigned) {
  auto& all = machine();
  if (auto* stream = recording_stream())
    return stream->spoil("memory was pinned");
  const auto used = all.pinned_in_use();
  if (used > all.kind.pinned_bytes || bytes > all.kind.pinned_bytes - used)
    return all.fail(cudaErrorMemoryAllocation, "no memory to pin");
  std::vector<std::byte> made(bytes, std::byte{0xff});
  *block = made.data();
  all.pinned[made.data()] = std::move(made);
  return cudaSuccess;
}

cudaError_t cudaFreeHost(void* block) {
  auto& all = machine();
  for (const auto& stream : all.streams) stream->finish();
  if (all.pinned.erase(static_cast<std::byte*>(block)) == 1) return cudaSuccess;
  return all.fail(cudaErrorInvalidValue, "this was not pinned");
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes,
                            cudaMemcpyKind kind, cudaStream_t stream) {
  auto& all = machine();
  const bool to_device = all.has(to, bytes), from_device = all.has(from, bytes);
  if (to_device != (kind != cudaMemcpyDeviceToHost) ||
      from_device != (kind != cudaMemcpyHostToDevice))
    return all.fail(cudaErrorInvalidValue,
                    "a copy that does not lie where it says");
  if (kind == cudaMemcpyDeviceToDevice) {
    of(stream).add([=] { std::memcpy(to, from, bytes); });
    return cudaSuccess;
  }
  if (of(stream).is_recording())
    return of(stream).spoil("memory of the program was copied");
  if (kind == cudaMemcpyDeviceToHost) {
    of(stream).add([=] { std::memcpy(to, from, bytes); });
    return cudaSuccess;
  }
  if (all.is_pinned(from, bytes)) {
    of(stream).add([=] { std::memcpy(to, from, bytes); });
    return cudaSuccess;
  }
  if (has_host_address(from, bytes))
    return all.fail(cudaErrorInvalidValue,
                    "what is copied in points to memory of the program");
  const auto* at = static_cast<const std::byte*>(from);
  of(stream).add([to, aside = std::vector<std::byte>(at, at + bytes)] {
    std::memcpy(to, aside.data(), aside.size());
  });
  return cudaSuccess;
}
