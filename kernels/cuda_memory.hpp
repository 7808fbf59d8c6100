// The memory of a CUDA device and the recording of its steps, for who opens
// one. Both work on one stream, which outlives them.
#pragma once

#include <cstdint>
#include <memory>

#include "kernels/context.hpp"
#include "kernels/device_memory.hpp"
#include "kernels/step_graph.hpp"

namespace troupe {

/// The stream is of the device `ordinal`, which allocate() makes the calling
/// thread's: who allocates there may run ops there.
std::unique_ptr<DeviceMemory> cuda_memory(std::uint32_t ordinal,
                                          CUstream_st* stream);
std::unique_ptr<StepGraphs> cuda_step_graphs(CUstream_st* stream);

}  // namespace troupe
