// What our code uses of CUDA's runtime beside kernels: devices, memory, streams
// and graphs, for g++. Stricter than a device: nothing on a stream happens
// before it is waited for, its memory cannot be touched from outside, and
// whoever hands a kernel an address of the program's own memory is refused.
#pragma once

#include <cstddef>
#include <functional>

struct CUstream_st {
  virtual ~CUstream_st() = default;
  /// To be done in order; recorded while a graph is.
  virtual void add(std::function<void()> work) = 0;
  /// Throws Violation where what is given to a kernel of that name has an
  /// address of the program's memory in it.
  virtual void check_argument(const char* name, const void* bytes,
                              std::size_t size) const = 0;
};
using cudaStream_t = CUstream_st*;

namespace troupe::cuda_shim {

/// Whether the bytes of a value that stand for nothing, which may hold what lay
/// there before, were cleared: not every compiler can.
template <class T>
bool clear_padding(T& value) {
#if defined(__has_builtin)
#if __has_builtin(__builtin_clear_padding)
  __builtin_clear_padding(&value);
  return true;
#endif
#endif
  static_cast<void>(value);
  return false;
}

template <class T>
void check_argument(const CUstream_st& stream, const char* name, T value) {
  if (clear_padding(value)) stream.check_argument(name, &value, sizeof(value));
}

/// Of the devices that there are from now on. No device: there is no driver.
struct DeviceKind {
  int count = 1;
  int sm = 80;
  std::size_t bytes = std::size_t{1} << 30;
  std::size_t pinned_bytes = std::size_t{1} << 30;
};
void set_devices(const DeviceKind& kind);
/// Taken now, of all devices.
std::size_t device_bytes_in_use();
/// Of the program's memory, for copies that go on beside it.
std::size_t pinned_bytes_in_use();

}  // namespace troupe::cuda_shim

// -- CUDA's names -------------------------------------------------------------

enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorInsufficientDriver = 35,
  cudaErrorDevicesUnavailable = 46,
  cudaErrorNoDevice = 100,
  cudaErrorInvalidDevice = 101,
  cudaErrorLaunchFailure = 719,
  cudaErrorStreamCaptureUnsupported = 900,
  cudaErrorStreamCaptureInvalidated = 901
};
/// What went wrong, in the words of the shim.
const char* cudaGetErrorString(cudaError_t error);
cudaError_t cudaGetLastError();

struct cudaDeviceProp {
  char name[256];
  std::size_t totalGlobalMem;
  int major, minor;
};
cudaError_t cudaGetDeviceCount(int* count);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaDriverGetVersion(int* version);
cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total);

cudaError_t cudaMalloc(void** block, std::size_t bytes);
cudaError_t cudaFree(void* block);

/// Memory that a copy reads when it is done, not when it is asked for.
inline constexpr unsigned cudaHostAllocDefault = 0;
cudaError_t cudaHostAlloc(void** block, std::size_t bytes, unsigned flags);
cudaError_t cudaFreeHost(void* block);

enum cudaMemcpyKind {
  cudaMemcpyHostToDevice = 1,
  cudaMemcpyDeviceToHost,
  cudaMemcpyDeviceToDevice
};
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes,
                            cudaMemcpyKind kind, cudaStream_t stream);

inline constexpr unsigned cudaStreamNonBlocking = 1;
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamDestroy(cudaStream_t stream);

/// Waiting for an event does what was on its stream before it, and no more.
using cudaEvent_t = struct CUevent_st*;
inline constexpr unsigned cudaEventDisableTiming = 2;
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
cudaError_t cudaEventDestroy(cudaEvent_t event);

using cudaGraph_t = struct CUgraph_st*;
using cudaGraphExec_t = struct CUgraphExec_st*;
enum cudaStreamCaptureMode { cudaStreamCaptureModeThreadLocal = 1 };
cudaError_t cudaStreamBeginCapture(cudaStream_t stream,
                                   cudaStreamCaptureMode mode);
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph);
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* ready, cudaGraph_t graph,
                                 unsigned long long flags);
cudaError_t cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t stream);
cudaError_t cudaGraphDestroy(cudaGraph_t graph);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graph);
