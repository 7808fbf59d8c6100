// CUDA's streams, events and graphs.
#include "tests/cuda_shim/shim/machine.hpp"

using namespace troupe::cuda_shim;

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
