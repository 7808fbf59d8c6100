// The machine that the shim plays: devices, what is on them, and streams, whose
// work is done when somebody waits for it.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/cuda_shim/shim/block.hpp"
#include "tests/cuda_shim/shim/runtime.hpp"

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

using Work = std::vector<std::function<void()>>;

inline std::size_t page_bytes() {
  return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

inline std::size_t rounded(std::size_t bytes, std::size_t to) {
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

inline Machine& machine() {
  static Machine the_machine;
  return the_machine;
}

// An address of memory that is the program's own. Numbers are hardly ever taken
// for one: what is below 2^45 is none, nor what no memory stands behind.
inline bool is_host_address(std::uint64_t word) {
  if (word < std::uint64_t{1} << 45 || word >= std::uint64_t{1} << 48)
    return false;
  if (machine().has(reinterpret_cast<const void*>(word), 0)) return false;
  unsigned char in_core = 0;
  return ::mincore(reinterpret_cast<void*>(word / page_bytes() * page_bytes()),
                   1, &in_core) == 0;
}

inline bool has_host_address(const void* bytes, std::size_t size) {
  const auto* at = static_cast<const std::byte*>(bytes);
  for (std::size_t i = 0; i + 8 <= size; i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at + i, 8);
    if (is_host_address(word)) return true;
  }
  return false;
}

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

inline Stream& of(cudaStream_t stream) {
  return static_cast<Stream&>(*stream);
}

// The stream that records, whichever it is: allocating would spoil it.
inline Stream* recording_stream() {
  for (const auto& stream : machine().streams)
    if (stream->is_recording()) return stream.get();
  return nullptr;
}

}  // namespace troupe::cuda_shim
