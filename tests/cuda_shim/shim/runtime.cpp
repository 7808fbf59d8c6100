#include "tests/cuda_shim/shim/runtime.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/cuda_shim/shim/block.hpp"

struct CUgraph_st {
  std::vector<std::function<void()>> work;
};
struct CUgraphExec_st {
  std::vector<std::function<void()>> work;
};

namespace troupe::cuda_shim {
class Stream;
}  // namespace troupe::cuda_shim

struct CUevent_st {
  troupe::cuda_shim::Stream* stream = nullptr;  // Null: not recorded.
  std::size_t done_before = 0;                  // Of the stream's work.
};

namespace troupe::cuda_shim {
namespace {

using Work = std::vector<std::function<void()>>;

constexpr std::size_t kAlignment = 256;

std::size_t page_bytes() {
  return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

std::size_t rounded(std::size_t bytes, std::size_t to) {
  return (bytes + to - 1) / to * to;
}

// Whole pages that only the device's work may touch, and one more behind them
// that nobody may.
struct Block {
  std::byte* pages = nullptr;
  std::size_t page_bytes = 0;
  std::size_t bytes = 0;  // As asked for.

  void open(bool for_work) const {
    ::mprotect(pages, page_bytes,
               for_work ? PROT_READ | PROT_WRITE : PROT_NONE);
  }
};

// The machine's devices, and what is on them. One thread's.
struct Machine {
  DeviceKind kind;
  std::map<const std::byte*, Block> blocks;  // By where they begin.
  std::map<const std::byte*, std::vector<std::byte>> pinned;
  std::vector<std::unique_ptr<Stream>> streams;
  cudaError_t failed = cudaSuccess;  // Stays, as on a device.
  std::string why;

  std::size_t in_use() const {
    std::size_t bytes = 0;
    for (const auto& [at, block] : blocks) bytes += block.bytes;
    return bytes;
  }
  std::size_t pinned_in_use() const {
    std::size_t bytes = 0;
    for (const auto& [at, block] : pinned) bytes += block.size();
    return bytes;
  }
  bool is_pinned(const void* begin, std::size_t bytes) const {
    const auto* at = static_cast<const std::byte*>(begin);
    auto next = pinned.upper_bound(at);
    if (next == pinned.begin()) return false;
    const auto& block = std::prev(next)->second;
    return at + bytes <= block.data() + block.size();
  }
  bool has(const void* begin, std::size_t bytes) const {
    const auto* at = static_cast<const std::byte*>(begin);
    auto next = blocks.upper_bound(at);
    if (next == blocks.begin()) return false;
    const auto& [first, block] = *std::prev(next);
    return at + bytes <= first + block.bytes;
  }
  cudaError_t fail(cudaError_t error, std::string text) {
    why = std::move(text);
    return error;
  }
};

Machine& machine() {
  static Machine the_machine;
  return the_machine;
}

// An address of memory that is the program's own. Numbers are hardly ever taken
// for one: what is below 2^45 is none, nor what no memory stands behind.
bool is_host_address(std::uint64_t word) {
  if (word < std::uint64_t{1} << 45 || word >= std::uint64_t{1} << 48)
    return false;
  if (machine().has(reinterpret_cast<const void*>(word), 0)) return false;
  unsigned char in_core = 0;
  return ::mincore(reinterpret_cast<void*>(word / page_bytes() * page_bytes()),
                   1, &in_core) == 0;
}

bool has_host_address(const void* bytes, std::size_t size) {
  const auto* at = static_cast<const std::byte*>(bytes);
  for (std::size_t i = 0; i + 8 <= size; i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at + i, 8);
    if (is_host_address(word)) return true;
  }
  return false;
}

}  // namespace

class Stream : public CUstream_st {
 public:
  void add(std::function<void()> work) override {
    (recording_ ? recorded_ : waiting_).push_back(std::move(work));
  }
  void check_argument(const char* name, const void* bytes,
                      std::size_t size) const override {
    if (has_host_address(bytes, size))
      throw Violation{std::string("kernel ") + name +
                      ": an argument points to memory of the program"};
  }

  void begin() {
    recording_ = true;
    spoiled_ = false;
    recorded_.clear();
  }
  bool is_recording() const { return recording_; }
  // What may not be done while a step is recorded spoils it.
  cudaError_t spoil(const char* what) {
    spoiled_ = true;
    return machine().fail(cudaErrorStreamCaptureUnsupported,
                          std::string(what) + " while a step is recorded");
  }
  cudaError_t end(cudaGraph_t* graph) {
    recording_ = false;
    if (spoiled_)
      return machine().fail(cudaErrorStreamCaptureInvalidated,
                            "the recording was spoiled: " + machine().why);
    *graph = new CUgraph_st{std::move(recorded_)};
    return cudaSuccess;
  }

  /// Of its work, what was asked for and what was done.
  std::size_t asked() const { return done_ + waiting_.size(); }

  cudaError_t finish() { return finish(asked()); }
  cudaError_t finish(std::size_t until) {
    auto& all = machine();
    if (until <= done_) return all.failed;
    const auto end =
        waiting_.begin() + static_cast<std::ptrdiff_t>(until - done_);
    const Work work{waiting_.begin(), end};
    waiting_.erase(waiting_.begin(), end);
    done_ = until;
    if (all.failed != cudaSuccess || work.empty()) return all.failed;
    for (const auto& [at, block] : all.blocks) block.open(true);
    try {
      for (const auto& each : work) each();
    } catch (const Violation& violation) {
      all.failed = all.fail(cudaErrorLaunchFailure, violation.what());
    }
    for (const auto& [at, block] : all.blocks) block.open(false);
    return all.failed;
  }

 private:
  Work waiting_, recorded_;
  std::size_t done_ = 0;
  bool recording_ = false;
  bool spoiled_ = false;
};

namespace {

Stream& of(cudaStream_t stream) {
  return static_cast<Stream&>(*stream);
}

// The stream that records, whichever it is: allocating would spoil it.
Stream* recording_stream() {
  for (const auto& stream : machine().streams)
    if (stream->is_recording()) return stream.get();
  return nullptr;
}

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

// -- streams and graphs -------------------------------------------------------

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  machine().streams.push_back(std::make_unique<Stream>());
  *stream = machine().streams.back().get();
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  if (of(stream).is_recording()) return of(stream).spoil("it was waited");
  return of(stream).finish();
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  std::erase_if(machine().streams,
                [&](const auto& each) { return each.get() == stream; });
  return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  *event = new CUevent_st;
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  if (of(stream).is_recording()) return of(stream).spoil("an event was put");
  *event = {&of(stream), of(stream).asked()};
  return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  if (event->stream == nullptr) return cudaSuccess;
  if (event->stream->is_recording())
    return event->stream->spoil("it was waited");
  return event->stream->finish(event->done_before);
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  if (of(stream).is_recording()) return of(stream).spoil("one more was begun");
  of(stream).begin();
  return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  return of(stream).end(graph);
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* ready, cudaGraph_t graph,
                                 unsigned long long) {
  *ready = new CUgraphExec_st{graph->work};
  return cudaSuccess;
}

// Recorded work is kept by who launches it, so that a graph may go before.
cudaError_t cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t stream) {
  for (const auto& work : graph->work) of(stream).add(work);
  return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graph) {
  delete graph;
  return cudaSuccess;
}
