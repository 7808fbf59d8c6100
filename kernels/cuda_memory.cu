#include "kernels/cuda_memory.hpp"

#include <array>
#include <utility>

#include "core/amounts.hpp"
#include "kernels/cuda_errors.cuh"

namespace troupe {
namespace {

class CudaStaging : public Staging {
 public:
  static Result<std::unique_ptr<CudaStaging>> make(cudaStream_t stream) {
    std::unique_ptr<CudaStaging> staging{new CudaStaging{stream}};
    for (auto& buffer : staging->buffers_)
      if (auto made = staging->make(buffer); !made) return made.error();
    return Result<std::unique_ptr<CudaStaging>>{std::move(staging)};
  }
  ~CudaStaging() override {
    for (auto& buffer : buffers_) {
      if (buffer.sent != nullptr) {
        cudaEventSynchronize(buffer.sent);
        cudaEventDestroy(buffer.sent);
      }
      if (buffer.block != nullptr) cudaFreeHost(buffer.block);
    }
  }
  CudaStaging(const CudaStaging&) = delete;
  CudaStaging& operator=(const CudaStaging&) = delete;

  // What was sent from the one is marked when the other's turn comes.
  Result<std::span<std::byte>> next() override {
    if (auto good = lost_if(cudaEventRecord(buffers_[turn_].sent, stream_),
                            "mark a copy");
        !good)
      return good.error();
    turn_ = 1 - turn_;
    if (auto good = lost_if(cudaEventSynchronize(buffers_[turn_].sent),
                            "wait for a copy");
        !good)
      return good.error();
    return std::span{static_cast<std::byte*>(buffers_[turn_].block),
                     kStagingBytes};
  }

  Status send(void* to, std::span<const std::byte> part) override {
    return lost_if(cudaMemcpyAsync(to, part.data(), part.size(),
                                   cudaMemcpyHostToDevice, stream_),
                   "copy to the device");
  }

 private:
  struct Buffer {
    void* block = nullptr;
    cudaEvent_t sent = nullptr;
  };

  explicit CudaStaging(cudaStream_t stream) : stream_{stream} {}

  static Status make(Buffer& buffer) {
    const auto error =
        cudaHostAlloc(&buffer.block, kStagingBytes, cudaHostAllocDefault);
    if (error == cudaErrorMemoryAllocation)
      return cuda_failed(Errc::out_of_memory,
                         "the machine has no " + bytes_text(kStagingBytes) +
                             " of memory left for copies to the device",
                         error);
    if (auto good = lost_if(error, "pin memory"); !good) return good;
    return lost_if(
        cudaEventCreateWithFlags(&buffer.sent, cudaEventDisableTiming),
        "make an event");
  }

  cudaStream_t stream_;
  std::array<Buffer, 2> buffers_;
  std::size_t turn_ = 0;
};

class CudaMemory : public DeviceMemory {
 public:
  CudaMemory(std::uint32_t ordinal, cudaStream_t stream)
      : ordinal_{static_cast<int>(ordinal)}, stream_{stream} {}

  Result<std::byte*> allocate(std::size_t bytes) override {
    if (auto taken = lost_if(cudaSetDevice(ordinal_), "take the device");
        !taken)
      return taken.error();
    void* block = nullptr;
    const auto error = cudaMalloc(&block, bytes);
    if (error == cudaErrorMemoryAllocation)
      return cuda_failed(
          Errc::out_of_memory,
          "the device has no " + bytes_text(bytes) + " of memory left", error);
    if (auto good = lost_if(error, "allocate memory"); !good)
      return good.error();
    return static_cast<std::byte*>(block);
  }

  void free(std::byte* block) override { cudaFree(block); }

  Status copy_in(void* to, const void* host, std::size_t bytes) override {
    return lost_if(
        cudaMemcpyAsync(to, host, bytes, cudaMemcpyHostToDevice, stream_),
        "copy to the device");
  }
  Status copy_out(void* host, const void* from, std::size_t bytes) override {
    return lost_if(
        cudaMemcpyAsync(host, from, bytes, cudaMemcpyDeviceToHost, stream_),
        "copy from the device");
  }
  Status copy(void* to, const void* from, std::size_t bytes) override {
    return lost_if(
        cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream_),
        "copy on the device");
  }
  Status wait() override {
    return lost_if(cudaStreamSynchronize(stream_), "wait");
  }

  Result<Staging*> staging() override {
    if (staging_ == nullptr) {
      auto made = CudaStaging::make(stream_);
      if (!made) return made.error();
      staging_ = std::move(*made);
    }
    return static_cast<Staging*>(staging_.get());
  }

 private:
  int ordinal_;
  cudaStream_t stream_;
  std::unique_ptr<CudaStaging> staging_;
};

class CudaGraph : public StepGraph {
 public:
  CudaGraph(cudaGraphExec_t graph, cudaStream_t stream)
      : graph_{graph}, stream_{stream} {}
  ~CudaGraph() override { cudaGraphExecDestroy(graph_); }
  CudaGraph(const CudaGraph&) = delete;
  CudaGraph& operator=(const CudaGraph&) = delete;

  Status launch() override {
    return lost_if(cudaGraphLaunch(graph_, stream_), "launch a step");
  }

 private:
  cudaGraphExec_t graph_;
  cudaStream_t stream_;
};

class CudaStepGraphs : public StepGraphs {
 public:
  explicit CudaStepGraphs(cudaStream_t stream) : stream_{stream} {}

  Status begin() override {
    return lost_if(
        cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal),
        "begin to record a step");
  }

  Result<std::unique_ptr<StepGraph>> end() override {
    cudaGraph_t recorded = nullptr;
    if (auto good =
            lost_if(cudaStreamEndCapture(stream_, &recorded), "record a step");
        !good)
      return good.error();
    cudaGraphExec_t ready = nullptr;
    const auto made = lost_if(cudaGraphInstantiate(&ready, recorded, 0),
                              "prepare a recorded step");
    cudaGraphDestroy(recorded);
    if (!made) return made.error();
    return Result<std::unique_ptr<StepGraph>>{
        std::make_unique<CudaGraph>(ready, stream_)};
  }

 private:
  cudaStream_t stream_;
};

}  // namespace

std::unique_ptr<DeviceMemory> cuda_memory(std::uint32_t ordinal,
                                          CUstream_st* stream) {
  return std::make_unique<CudaMemory>(ordinal, stream);
}

std::unique_ptr<StepGraphs> cuda_step_graphs(CUstream_st* stream) {
  return std::make_unique<CudaStepGraphs>(stream);
}

}  // namespace troupe
