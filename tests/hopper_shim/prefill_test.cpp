// The sources of Hopper's prefill over a paged cache, run by the C++ compiler:
// runs of rows are found, and each sees the pages that it should.
#include "kernels/hopper/prefill.hpp"

#include <gtest/gtest.h>

#include "tests/hopper_shim/schedules.hpp"
#include "tests/kernels/attention_pool.hpp"

namespace troupe::kernels {
namespace {

// Queries and weights of 8 bits, sums of fp32.
constexpr Tolerance kPrefillAllowed{1e-2, 1e-2};

Status append_rows(Context& ctx, const void* args) {
  KvAppend::cuda(ctx, *static_cast<const KvAppend::Args*>(args));
  return ok();
}
Status prefill(Context& ctx, const void* args) {
  const auto& a = *static_cast<const Attention::Args*>(args);
  if (!prefills_on_hopper(a)) return Error{Errc::unsupported, "not so"};
  // What any CUDA device reserves for the op.
  if (prefill_bytes(a) > ctx.scratch.size())
    return Error{Errc::internal, "the scratch is too small"};
  prefill_on_hopper(ctx, a);
  return ok();
}
constexpr CudaOp kPrefillOps[] = {{KvAppend::kName, &append_rows},
                                  {Attention::kName, &prefill}};

class HopperPrefill : public cuda_shim::EachSchedule {
 protected:
  HopperPrefill() {
    ctx.device = {.backend = Backend::cuda, .sm = 90};
    ctx.cuda_ops = kPrefillOps;
  }

  ::testing::AssertionResult right(AttentionPool& pool,
                                   const std::vector<Place>& rows) {
    return computed(pool.step(ctx, rows), pool.expected(rows),
                    pool.queries(rows), kPrefillAllowed);
  }

  static std::vector<Place> part(const std::vector<Place>& of,
                                 std::ptrdiff_t first, std::ptrdiff_t end) {
    return {of.begin() + first, of.begin() + end};
  }

  Context ctx;
};
TROUPE_EACH_SCHEDULE(HopperPrefill);

constexpr HeadShape kPrefillShapes[] = {{2, 1, 64}, {2, 2, 128}};

TEST_P(HopperPrefill, EqualsPlainLoopsForAllShapes) {
  for (const auto& shape : kPrefillShapes)
    for (const std::int32_t length : {1, 16, 17, 128, 129, 300}) {
      AttentionPool pool{shape, {length}, DType::bf16};
      EXPECT_TRUE(right(pool, pool.whole(0)))
          << shape.head_dim << ", " << length;
    }
}

TEST_P(HopperPrefill, GoesOnWhereAChunkEnded) {
  for (const auto& shape : kPrefillShapes) {
    AttentionPool pool{shape, {230}, DType::bf16};
    const auto all = pool.whole(0);
    EXPECT_TRUE(right(pool, part(all, 0, 100))) << shape.head_dim;
    EXPECT_TRUE(right(pool, part(all, 100, 230))) << shape.head_dim;
  }
}

TEST_P(HopperPrefill, MixesSequencesAndRowsThatOnlyFillAStep) {
  for (const auto& shape : kPrefillShapes) {
    AttentionPool pool{shape, {75, 20, 33}, DType::bf16};
    const auto first = pool.whole(0), second = pool.whole(1),
               third = pool.whole(2);
    pool.step(ctx, part(third, 0, 30));
    auto rows = part(first, 0, 75);
    rows.insert(rows.end(), second.begin(), second.end());
    rows.insert(rows.end(), third.begin() + 30, third.end());
    rows.push_back({0, -1});
    EXPECT_TRUE(right(pool, rows)) << shape.head_dim;
  }
}

TEST_P(HopperPrefill, BreaksARunWhereTheSequenceOrThePositionBreaks) {
  AttentionPool pool{{2, 1, 64}, {40, 40}, DType::bf16};
  const auto first = pool.whole(0), second = pool.whole(1);
  pool.step(ctx, first);
  pool.step(ctx, second);
  // Positions go on in another sequence, then leap in the same one.
  auto rows = part(first, 0, 10);
  for (const auto& more : {part(second, 10, 15), part(second, 30, 36),
                           part(first, 36, 37), part(first, 2, 4)})
    rows.insert(rows.end(), more.begin(), more.end());
  EXPECT_TRUE(right(pool, rows));
}

// Where runs are found, a block has 1,024 rows at a time.
TEST_P(HopperPrefill, FindsRunsAmongMoreRowsThanABlockHasThreads) {
  const std::vector<std::int32_t> lengths(70, 16);
  AttentionPool pool{{1, 1, 64}, lengths, DType::bf16};
  std::vector<Place> rows;
  for (std::int32_t s = 0; s < std::ssize(lengths); ++s)
    for (const auto& place : pool.whole(s)) rows.push_back(place);
  EXPECT_TRUE(right(pool, rows));
}

}  // namespace
}  // namespace troupe::kernels
