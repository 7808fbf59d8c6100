// The shim itself: kernels that are right run in every order, and each of the
// small broken ones below is found.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/cuda_shim/complaint.hpp"

namespace troupe::kernels {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::Each;
using ::testing::HasSubstr;

using Shim = EachOrder;
TROUPE_EACH_ORDER(Shim);

// -- what is right ------------------------------------------------------------

__global__ void where_kernel(int* to) {
  const auto block =
      blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
  const auto thread =
      threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  to[block * blockDim.x * blockDim.y * blockDim.z + thread] += 1;
}

TEST_P(Shim, CallsEachThreadOfEachBlockOnce) {
  cuda_shim::set_order(GetParam());
  std::vector<int> calls(2 * 3 * 4 * 5 * 2 * 3);
  EXPECT_EQ(complaint(where_kernel, {2, 3, 4}, {5, 2, 3}, 0, calls.data()), "");
  EXPECT_THAT(calls, Each(1));
}

TEST_P(Shim, KeepsABarrier) {
  cuda_shim::set_order(GetParam());
  std::vector<float> values(96);
  for (int i = 0; i < 96; ++i) values[static_cast<std::size_t>(i)] = i;
  EXPECT_EQ(complaint(turn_kernel, 1, 96, sizeof(Turned), values.data(), true),
            "");
  for (int i = 0; i < 96; ++i)
    EXPECT_EQ(values[static_cast<std::size_t>(i)], 95 - i);
}

// Sums of a warp by three ways, in a block whose second warp is half full.
__global__ void sum_kernel(int* sums, unsigned* votes) {
  const auto lane = threadIdx.x % 32;
  int by_xor = static_cast<int>(threadIdx.x);
  const int all = threadIdx.x < 32 ? 32 : 16;
  for (int lanes = all / 2; lanes > 0; lanes /= 2)
    by_xor += __shfl_xor_sync(kAllLanes, by_xor, lanes);
  int up = 1;
  for (unsigned by = 1; by < 32; by *= 2) {
    const int other = __shfl_up_sync(kAllLanes, up, by);
    if (lane >= by) up += other;
  }
  int sum = 0;
  for (int i = 0; i < all; ++i)
    sum += __shfl_sync(kAllLanes, static_cast<int>(threadIdx.x), i);
  const int next = static_cast<int>(lane) < all - 1
                       ? __shfl_down_sync(kAllLanes, up, 1)
                       : __shfl_sync(kAllLanes, up, static_cast<int>(lane)) + 1;
  sums[threadIdx.x * 4] = by_xor;
  sums[threadIdx.x * 4 + 1] = up;
  sums[threadIdx.x * 4 + 2] = sum;
  sums[threadIdx.x * 4 + 3] = next;
  votes[threadIdx.x] = __ballot_sync(kAllLanes, threadIdx.x % 2 == 1);
}

TEST_P(Shim, TradesAmongTheLanesOfAWarp) {
  cuda_shim::set_order(GetParam());
  std::vector<int> sums(48 * 4);
  std::vector<unsigned> votes(48);
  ASSERT_EQ(complaint(sum_kernel, 1, 48, 0, sums.data(), votes.data()), "");
  for (std::size_t i = 0; i < 48; ++i) {
    const int sum = i < 32 ? 496 : 632;
    EXPECT_EQ(sums[i * 4], sum);
    EXPECT_EQ(sums[i * 4 + 1], static_cast<int>(i % 32) + 1);
    EXPECT_EQ(sums[i * 4 + 2], sum);
    EXPECT_EQ(sums[i * 4 + 3], static_cast<int>(i % 32) + 2);
    EXPECT_EQ(votes[i], i < 32 ? 0xaaaaaaaau : 0xaaaau);
  }
}

// -- waits that nobody ends ---------------------------------------------------

__global__ void some_wait_kernel(unsigned waiting) {
  if (threadIdx.x < waiting) __syncthreads();
}

TEST_P(Shim, FindsABarrierThatNotAllReach) {
  cuda_shim::set_order(GetParam());
  EXPECT_EQ(complaint(some_wait_kernel, 3, 64, 0, 64u), "");
  EXPECT_THAT(complaint(some_wait_kernel, 3, 64, 0, 40u),
              AllOf(HasSubstr("kernel test, block (0, 0, 0), thread (0, 0, 0) "
                              "waits at the block's barrier for ever"),
                    HasSubstr("thread (40, 0, 0) has returned"),
                    HasSubstr("shim_test.cpp:")));
}

__global__ void two_barriers_kernel() {
  if (threadIdx.x % 2 == 0)
    __syncthreads();
  else
    __syncthreads();
}

TEST_P(Shim, FindsBarriersThatAreNotTheSame) {
  cuda_shim::set_order(GetParam());
  EXPECT_THAT(complaint(two_barriers_kernel, 1, 64, 0),
              HasSubstr("waits at the block's barrier for ever: thread (1, 0, "
                        "0) waits at the block's barrier at shim_test.cpp"));
}

__global__ void shuffle_or_wait_kernel(int* to) {
  if (threadIdx.x < 16)
    *to += __shfl_xor_sync(kAllLanes, 1, 1);
  else
    __syncthreads();
}

TEST_P(Shim, FindsLanesThatWaitElsewhere) {
  cuda_shim::set_order(GetParam());
  int to = 0;
  EXPECT_THAT(complaint(shuffle_or_wait_kernel, 1, 32, 0, &to),
              HasSubstr("waits in a shuffle for ever: thread (16, 0, 0) waits "
                        "at the block's barrier"));
}

// -- shuffles and votes -------------------------------------------------------

__global__ void mask_kernel(float* values, unsigned mask, int lanes,
                            unsigned taking_part) {
  if (threadIdx.x < taking_part)
    values[threadIdx.x] += __shfl_xor_sync(mask, values[threadIdx.x], lanes);
}

TEST_P(Shim, FindsAShuffleOfWhichALaneIsAbsent) {
  cuda_shim::set_order(GetParam());
  std::vector<float> values(32);
  const auto run = [&](unsigned mask, int lanes, unsigned taking_part) {
    return complaint(mask_kernel, 1, 32, 0, values.data(), mask, lanes,
                     taking_part);
  };
  EXPECT_EQ(run(kAllLanes, 16, 32), "");
  EXPECT_EQ(run(0xffff, 8, 16), "");
  EXPECT_THAT(run(kAllLanes, 8, 16),
              HasSubstr("waits in a shuffle for ever: thread (16, 0, 0) has "
                        "returned"));
  // Lane 0 forgot itself; whether it or who reads it comes first is open.
  EXPECT_THAT(run(0xfffe, 8, 16),
              AnyOf(HasSubstr("thread (0, 0, 0) is not in the mask of its own"),
                    HasSubstr("reads lane 0, which takes no part")));
  EXPECT_THAT(run(0xffff, 16, 16), HasSubstr("which takes no part"));
}

__global__ void two_masks_kernel(float* values) {
  const unsigned mask = threadIdx.x < 16 ? kAllLanes : 0xffff0000u;
  values[threadIdx.x] = __shfl_xor_sync(mask, 1.f, 1);
}

TEST_P(Shim, FindsLanesThatDoNotMeanTheSame) {
  cuda_shim::set_order(GetParam());
  std::vector<float> values(32);
  EXPECT_THAT(complaint(two_masks_kernel, 1, 32, 0, values.data()),
              HasSubstr("waits in a shuffle for ever"));
}

__global__ void vote_or_shuffle_kernel(unsigned* to) {
  if (threadIdx.x == 3)
    *to = __any_sync(kAllLanes, true);
  else
    *to = __shfl_sync(kAllLanes, 1u, 0);
}

TEST_P(Shim, FindsAVoteAmongShuffles) {
  cuda_shim::set_order(GetParam());
  unsigned to = 0;
  EXPECT_THAT(complaint(vote_or_shuffle_kernel, 1, 32, 0, &to),
              AllOf(HasSubstr("for ever"), HasSubstr("a vote")));
}

// A sum that leaves out its first step: no wait is wrong, the value is.
__global__ void short_sum_kernel(float* values, int most) {
  float sum = values[threadIdx.x];
  for (int lanes = most; lanes > 0; lanes /= 2)
    sum += __shfl_xor_sync(kAllLanes, sum, lanes);
  values[threadIdx.x] = sum;
}

TEST_P(Shim, GivesTheWrongSumOfAWrongShuffle) {
  cuda_shim::set_order(GetParam());
  for (const int most : {16, 8}) {
    auto values = random_values(32, 1);
    double sum = 0;
    for (const float value : values) sum += double{value};
    ASSERT_EQ(complaint(short_sum_kernel, 1, 32, 0, values.data(), most), "");
    EXPECT_EQ(std::abs(double{values[0]} - sum) < 1e-5, most == 16);
  }
}

// -- memory and launches ------------------------------------------------------

__global__ void keep_kernel(float* to) {
  auto& shared = shared_as<Turned>();
  to[blockIdx.x] = shared.values[3];
  shared.values[3] = 1;
}

TEST(ShimMemory, BeginsAnewInEachBlock) {
  std::vector<float> values(3);
  ASSERT_EQ(complaint(keep_kernel, 3, 1, sizeof(Turned), values.data()), "");
  for (const float value : values) EXPECT_TRUE(std::isnan(value));
}

TEST(ShimMemory, IsNoMoreThanTheLaunchGave) {
  float to = 0;
  EXPECT_THAT(
      complaint(keep_kernel, 1, 1, sizeof(Turned) - 4, &to),
      HasSubstr("uses 384 bytes of shared memory, the launch gave 380"));
}

__global__ void count_kernel(int* count, int* most) {
  atomicAdd(count, 2);
  atomicMax(most, static_cast<int>(threadIdx.x));
}

TEST(ShimMemory, AddsAtomically) {
  int count = 0, most = 0;
  ASSERT_EQ(complaint(count_kernel, 5, 70, 0, &count, &most), "");
  EXPECT_EQ(count, 700);
  EXPECT_EQ(most, 69);
}

TEST(ShimLaunch, RefusesWhatADeviceRefuses) {
  int count = 0, most = 0;
  const auto run = [&](dim3 blocks, dim3 threads, std::size_t shared) {
    return complaint(count_kernel, blocks, threads, shared, &count, &most);
  };
  EXPECT_THAT(run(0, 32, 0), HasSubstr("a grid of (0, 1, 1)"));
  EXPECT_THAT(run({1, 65536}, 32, 0), HasSubstr("a grid of (1, 65536, 1)"));
  EXPECT_THAT(run(1, 1025, 0), HasSubstr("a block of (1025, 1, 1)"));
  EXPECT_THAT(run(1, 32, 200'000), HasSubstr("bytes of shared memory"));
  EXPECT_EQ(count, 0);
}

TEST(ShimLaunch, GoesOnAfterAViolation) {
  EXPECT_NE(complaint(some_wait_kernel, 1, 64, 0, 3u), "");
  EXPECT_EQ(complaint(some_wait_kernel, 2, 64, 0, 64u), "");
}

}  // namespace
}  // namespace troupe::kernels
