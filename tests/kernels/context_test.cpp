#include "kernels/context.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "kernels/rms_norm.hpp"
#include "tests/kernels/support.hpp"

namespace troupe::kernels {
namespace {

using ::testing::HasSubstr;

TEST(IsaLevels, BeginWithTheBaselineAndHaveNames) {
  const auto levels = isa_levels_here();
  ASSERT_FALSE(levels.empty());
  EXPECT_EQ(levels.front(), IsaLevel::baseline);
  EXPECT_TRUE(std::ranges::is_sorted(levels));
  EXPECT_EQ(best_isa_level(), levels.back());
  for (const auto level : levels) {
    const auto named = isa_level_named(to_string(level));
    ASSERT_TRUE(named);
    EXPECT_EQ(*named, level);
  }
}

TEST(IsaLevels, AnUnknownNameIsAnsweredWithTheKnown) {
  const auto level = isa_level_named("avx51");
  ASSERT_FALSE(level);
  EXPECT_EQ(level.error().code, Errc::invalid_argument);
  EXPECT_THAT(level.error().message, HasSubstr("did you mean 'avx512'"));
}

struct OneRow {
  std::vector<float> x{3, 4}, w{1, 2}, y{-1, -1};
  RmsNorm::Args args{.y = matrix_ref(y.data(), 1, 2),
                     .x = matrix_ref(x.data(), 1, 2),
                     .w = vector_ref(w.data(), 2),
                     .eps = 1e-6f};
};

TEST(Dispatch, ComputesNothingOnceStopped) {
  std::atomic<bool> stop{true};
  Context ctx;
  ctx.stop = &stop;
  OneRow row;
  const auto stopped = rms_norm(ctx, row.args);
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, Errc::cancelled);
  EXPECT_EQ(row.y, (std::vector<float>{-1, -1}));
  stop = false;
  ASSERT_TRUE(rms_norm(ctx, row.args));
  EXPECT_NE(row.y, (std::vector<float>{-1, -1}));
}

TEST(Dispatch, RefusesADeviceThatTheOpHasNoVersionFor) {
  Context ctx;
  ctx.device.backend = Backend::cuda;
  OneRow row;
  const auto refused = rms_norm(ctx, row.args);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::unsupported);
  EXPECT_THAT(refused.error().message, HasSubstr("rms_norm has no CUDA"));
}

// Needs as much scratch as it has rows.
struct Scratching {
  static constexpr std::string_view kName = "scratching";
  struct Args {
    std::size_t bytes = 0;
    bool* ran = nullptr;
  };
  static Status supports(const Device&, const Args& a) {
    if (a.bytes <= 1000) return ok();
    return Error{Errc::invalid_argument, "too many"};
  }
  static std::size_t workspace_bytes(const Device&, const Args& a) {
    return a.bytes;
  }
  static void cpu(Context&, const Args& a) { *a.ran = true; }
};

TEST(Dispatch, OnlyMeasuresWhereAskedTo) {
  Measured measured;
  Context ctx;
  ctx.measured = &measured;
  bool ran = false;
  for (const std::size_t bytes : {10, 300, 20})
    EXPECT_TRUE(dispatch<Scratching>(ctx, {bytes, &ran}));
  EXPECT_EQ(measured.ops, 3);
  EXPECT_EQ(measured.scratch_bytes, 300u);
  EXPECT_FALSE(dispatch<Scratching>(ctx, {1001, &ran}));
  EXPECT_FALSE(ran);
  std::byte scratch[20];
  ctx.measured = nullptr;
  ctx.scratch = scratch;
  EXPECT_TRUE(dispatch<Scratching>(ctx, {20, &ran}));
  EXPECT_TRUE(ran);
}

}  // namespace
}  // namespace troupe::kernels
