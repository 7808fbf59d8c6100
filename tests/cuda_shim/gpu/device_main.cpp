// Runs the tests where there is a device; where there is none says why and
// ends with the code that ctest takes for skipped.
#include <gtest/gtest.h>

#include <iostream>
#include <utility>

#include "kernels/cuda_ops.hpp"
#include "test_device.hpp"

namespace troupe::kernels {
namespace {

constexpr int kSkipped = 77;

std::unique_ptr<OpenCudaDevice> device;

template <std::size_t kIndex>
Status run_and_wait(Context& ctx, const void* args) {
  if (auto ran = cuda_ops()[kIndex].run(ctx, args); !ran) return ran;
  return ctx.memory->wait();
}

template <std::size_t... kIndex>
std::vector<CudaOp> waiting(std::index_sequence<kIndex...>) {
  return {CudaOp{cuda_ops()[kIndex].name, &run_and_wait<kIndex>}...};
}

}  // namespace

OpenCudaDevice& cuda_device_here() {
  return *device;
}

std::span<const CudaOp> waiting_cuda_ops() {
  constexpr std::size_t kOps = 9;
  static const auto ops = waiting(std::make_index_sequence<kOps>{});
  TROUPE_ASSERT(cuda_ops().size() == kOps);
  return ops;
}

}  // namespace troupe::kernels

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  if (::testing::GTEST_FLAG(list_tests)) return RUN_ALL_TESTS();
  auto opened = troupe::OpenCudaDevice::open(0, 0);
  if (!opened) {
    std::cout << "skipped: " << opened.error().message << '\n';
    return troupe::kernels::kSkipped;
  }
  troupe::kernels::device = std::move(*opened);
  const int result = RUN_ALL_TESTS();
  troupe::kernels::device.reset();
  return result;
}
