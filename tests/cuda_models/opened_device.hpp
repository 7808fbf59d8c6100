// A CUDA device as programs open one: under the shim, or a real one where this
// is compiled for cuda_models_gpu_tests.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

#include "kernels/cuda_context.hpp"
#include "kernels/device_memory.hpp"

namespace troupe {

class OpenedDevice {
 public:
  OpenedDevice() {
    auto opened = OpenCudaDevice::open(0, 0);
    EXPECT_TRUE(opened) << opened.error().message;
    device_ = std::move(*opened);
  }

  Context& context() { return device_->context(); }

  /// What lies there once all is done.
  template <class T>
  std::vector<T> read(const T* from, std::size_t count) {
    std::vector<T> values(count);
    auto& ctx = context();
    EXPECT_TRUE(kernels::copy_out(ctx, values.data(), from, count * sizeof(T)));
    const auto done = kernels::wait(ctx);
    EXPECT_TRUE(done) << done.error().message;
    return values;
  }

 private:
  std::unique_ptr<OpenCudaDevice> device_;
};

}  // namespace troupe
