// A CUDA device that is none: the kernels' own sources under the shim. Tests
// that include this by its bare name run on a real device, too:
// tests/cuda_shim/gpu.
#pragma once

#include <gtest/gtest.h>

#include <span>
#include <string>
#include <vector>

#include "kernels/cuda_ops.hpp"
#include "kernels/dispatch.hpp"
#include "tests/cuda_shim/shim/block.hpp"
#include "tests/kernels/support.hpp"
#include "tests/sanitized.hpp"

namespace troupe::kernels {

using cuda_shim::Order;

// What sanitizers find does not hang on the order: one will do for them.
inline constexpr std::span<const Order> kTestedOrders =
    std::span{cuda_shim::kOrders}.last(
        kSanitized ? 1 : std::size(cuda_shim::kOrders));

struct CudaDevice {
  explicit CudaDevice(Order order) {
    cuda_shim::set_order(order);
    ctx.device = {.backend = Backend::cuda, .sm = 80};
    ctx.cuda_ops = cuda_ops();
  }

  /// With the scratch that the op asks for, which begins as NaN.
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

/// Tests of a kernel run once for each order in which threads may come.
class EachOrder : public ::testing::TestWithParam<Order> {};

inline std::string order_name(const ::testing::TestParamInfo<Order>& info) {
  const char* const names[] = {"ascending", "descending", "shuffled"};
  return names[static_cast<int>(info.param) - 1];
}

}  // namespace troupe::kernels

#define TROUPE_EACH_ORDER(fixture)                                            \
  INSTANTIATE_TEST_SUITE_P(                                                   \
      Orders, fixture, ::testing::ValuesIn(::troupe::kernels::kTestedOrders), \
      ::troupe::kernels::order_name)
