// Barriers that are missing: some order of the shim shows it.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/cuda_shim/complaint.hpp"

namespace troupe::kernels {
namespace {

template <class Wrong>
int orders_that_show(const Wrong& wrong) {
  int count = 0;
  for (const auto order : cuda_shim::kOrders) {
    cuda_shim::set_order(order);
    count += wrong();
  }
  return count;
}

TEST(ShimOrders, ShowAMissingBarrier) {
  const auto wrong = [](bool waits) {
    return orders_that_show([=] {
      std::vector<float> values(96, 1);
      EXPECT_EQ(
          complaint(turn_kernel, 1, 96, sizeof(Turned), values.data(), waits),
          "");
      return std::isnan(values[0] + values[40] + values[95]);
    });
  };
  EXPECT_EQ(wrong(true), 0);
  EXPECT_EQ(wrong(false), 3);
}

// The second barrier keeps the quick from overwriting what the slow still
// read: in ascending order nobody notices.
__global__ void shift_kernel(float* values, bool waits) {
  auto& shared = shared_as<Turned>();
  const auto i = threadIdx.x;
  shared.values[i] = values[i];
  for (int round = 0; round < 3; ++round) {
    __syncthreads();
    const float next = shared.values[(i + 1) % 96];
    if (waits) __syncthreads();
    shared.values[i] = next;
  }
  values[i] = shared.values[i];
}

TEST(ShimOrders, ShowABarrierThatIsMissingAfterReading) {
  const auto wrong = [](bool waits) {
    return orders_that_show([=] {
      auto values = random_values(96, 1);
      const auto before = values;
      EXPECT_EQ(
          complaint(shift_kernel, 1, 96, sizeof(Turned), values.data(), waits),
          "");
      bool moved = true;
      for (std::size_t i = 0; i < 96; ++i)
        moved = moved && values[i] == before[(i + 3) % 96];
      return !moved;
    });
  };
  EXPECT_EQ(wrong(true), 0);
  EXPECT_GE(wrong(false), 1);
}

// Two sums of a block, one after the other, through the same shared numbers:
// a quick warp must not write the second before a slow one has read the first.
__global__ void sums_kernel(float* sums, bool waits) {
  auto& shared = shared_as<Turned>();
  for (int round = 0; round < 2; ++round) {
    float sum = static_cast<float>(round + 1);
    for (int lanes = 16; lanes > 0; lanes /= 2)
      sum += __shfl_xor_sync(kAllLanes, sum, lanes);
    if (waits) __syncthreads();
    if (threadIdx.x % 32 == 0) shared.values[threadIdx.x / 32] = sum;
    __syncthreads();
    sums[threadIdx.x * 2 + static_cast<unsigned>(round)] =
        shared.values[0] + shared.values[1] + shared.values[2];
  }
}

TEST(ShimOrders, ShowAWarpThatRunsAhead) {
  const auto wrong = [](bool waits) {
    return orders_that_show([=] {
      std::vector<float> sums(192);
      EXPECT_EQ(
          complaint(sums_kernel, 1, 96, sizeof(Turned), sums.data(), waits),
          "");
      for (std::size_t i = 0; i < 192; ++i)
        if (sums[i] != (i % 2 == 0 ? 96 : 192)) return true;
      return false;
    });
  };
  EXPECT_EQ(wrong(true), 0);
  EXPECT_GE(wrong(false), 2);
}

__global__ void pass_on_kernel(float* values, bool waits) {
  auto& shared = shared_as<Turned>();
  shared.values[threadIdx.x] = values[threadIdx.x];
  if (waits) __syncwarp();
  values[threadIdx.x] = shared.values[threadIdx.x ^ 5];
}

TEST(ShimOrders, ShowAMissingWaitWithinAWarp) {
  const auto wrong = [](bool waits) {
    return orders_that_show([=] {
      std::vector<float> values(32, 1);
      EXPECT_EQ(complaint(pass_on_kernel, 1, 32, sizeof(Turned), values.data(),
                          waits),
                "");
      return std::isnan(values[0] + values[5]);
    });
  };
  EXPECT_EQ(wrong(true), 0);
  EXPECT_EQ(wrong(false), 3);
}

}  // namespace
}  // namespace troupe::kernels
