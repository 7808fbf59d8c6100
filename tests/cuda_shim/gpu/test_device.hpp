// A real CUDA device for the tests of tests/cuda_shim, whose data lie in
// ordinary vectors: managed_memory.cpp gives the whole program memory that the
// device sees, too. Every op is waited for.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "kernels/cuda_context.hpp"
#include "kernels/dispatch.hpp"
#include "tests/kernels/support.hpp"

namespace troupe::kernels {

// A device has an order of its own.
enum class Order : std::uint8_t { ascending = 1, descending, shuffled };
inline constexpr Order kOrders[] = {Order::ascending};

/// The one device of this process; ends the process, as a skipped test, where
/// there is none.
OpenCudaDevice& cuda_device_here();

/// cuda_ops(), each followed by a wait.
std::span<const CudaOp> waiting_cuda_ops();

struct CudaDevice {
  explicit CudaDevice(Order) : ctx{cuda_device_here().context()} {
    ctx.cuda_ops = waiting_cuda_ops();
    ctx.scratch = {};
  }

  template <class Op>
  ::testing::AssertionResult run(const typename Op::Args& args) {
    scratch.assign(Op::workspace_bytes(ctx.device, args), std::byte{0xff});
    ctx.scratch = scratch;
    if (const auto ran = dispatch<Op>(ctx, args); !ran)
      return ::testing::AssertionFailure() << ran.error().message;
    return ::testing::AssertionSuccess();
  }

  std::vector<std::byte> scratch;
  Context ctx;
};

class EachOrder : public ::testing::TestWithParam<Order> {};

inline std::string order_name(const ::testing::TestParamInfo<Order>&) {
  return "its_own";
}

}  // namespace troupe::kernels

#define TROUPE_EACH_ORDER(fixture)                                          \
  INSTANTIATE_TEST_SUITE_P(Orders, fixture,                                 \
                           ::testing::ValuesIn(::troupe::kernels::kOrders), \
                           ::troupe::kernels::order_name)
