// The source of Hopper's decode kernel, run by the C++ compiler, over a paged
// cache whose pages begin as no numbers.
#include "kernels/hopper/decode.hpp"

#include <gtest/gtest.h>

#include "tests/hopper_shim/decode_case.hpp"
#include "tests/hopper_shim/schedules.hpp"
#include "tests/kernels/attention_pool.hpp"

namespace troupe::kernels {
namespace {

// Queries and weights of 8 bits, sums of fp32.
constexpr Tolerance kDecodeAllowed{1e-2, 1e-2};

Status append(Context& ctx, const void* args) {
  KvAppend::cuda(ctx, *static_cast<const KvAppend::Args*>(args));
  return ok();
}
Status decode(Context& ctx, const void* args) {
  const auto& a = *static_cast<const Attention::Args*>(args);
  // Steps that only fill the cache are not looked at.
  if (decodes_on_hopper(a)) decode_on_hopper(ctx, a);
  return ok();
}
constexpr CudaOp kOps[] = {{KvAppend::kName, &append},
                           {Attention::kName, &decode}};

class HopperDecode : public cuda_shim::EachSchedule {
 protected:
  HopperDecode() {
    ctx.device = {.backend = Backend::cuda, .sm = 90};
    ctx.cuda_ops = kOps;
  }

  /// A pool whose sequences are all in the cache.
  AttentionPool filled(const HeadShape& shape,
                       const std::vector<std::int32_t>& lengths) {
    AttentionPool pool{shape, lengths, DType::bf16};
    for (std::int32_t i = 0; i < std::ssize(lengths); ++i)
      pool.step(ctx, pool.whole(i));
    pool.decode = true;
    return pool;
  }

  ::testing::AssertionResult right(AttentionPool& pool,
                                   const std::vector<Place>& rows) {
    return computed(pool.step(ctx, rows), pool.expected(rows),
                    pool.queries(rows), kDecodeAllowed);
  }

  Context ctx;
};
TROUPE_EACH_SCHEDULE(HopperDecode);

constexpr HeadShape kShapes[] = {{1, 1, 64},  {14, 2, 64}, {7, 1, 128},
                                 {8, 1, 128}, {9, 1, 64},  {16, 1, 128}};

TEST_P(HopperDecode, EqualsPlainLoopsForAllShapes) {
  for (const auto& shape : kShapes)
    for (const std::int32_t length : {1, 16, 17, 63, 64, 65, 200}) {
      auto pool = filled(shape, {length});
      EXPECT_TRUE(right(pool, {{0, length - 1}}))
          << shape.heads << "/" << shape.kv_heads << " x " << shape.head_dim
          << ", " << length;
    }
}

// Chunks of 256 positions, rings that go round.
TEST_P(HopperDecode, JoinsTheChunksOfALongPast) {
  auto pool = filled({14, 2, 128}, {1, 255, 256, 257, 600});
  EXPECT_TRUE(
      right(pool, {{4, 599}, {0, 0}, {3, 256}, {2, 255}, {1, 254}, {4, 300}}));
}

// A warp's lanes hold the numbers of 32 pages; of a chunk of 4,096 positions
// it has more.
TEST_P(HopperDecode, FindsMorePagesThanAWarpHasLanes) {
  DecodeCase one{1, 1, 64, {2300}, 8200, 150};
  const auto args = one.args();
  std::vector<std::byte> scratch(Attention::workspace_bytes(ctx.device, args));
  ctx.scratch = scratch;
  decode_on_hopper(ctx, args);
  EXPECT_TRUE(computed(one.y, one.expected(), one.q, kDecodeAllowed));
}

TEST_P(HopperDecode, LeavesZerosInRowsThatOnlyFillAStep) {
  auto pool = filled({7, 1, 64}, {40});
  EXPECT_TRUE(right(pool, {{0, 39}, {0, -1}}));
}

}  // namespace
}  // namespace troupe::kernels
