// The truth that Hopper's kernel is held to: by hand, and what it refuses.
#include "kernels/sequence_attention.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/hopper_shim/sequences.hpp"

namespace troupe::kernels {
namespace {

using ::testing::HasSubstr;

// Two keys, scores 0 and ln 3: weights 1/4 and 3/4.
TEST(SequenceAttention, WeighsValuesByHand) {
  SequenceCase one{{1, 1, 64}, {{1, 2}}, false};
  for (int d = 0; d < 64; ++d) {
    one.q.data[d] = f32_to_bf16(d == 0 ? 1.f : 0.f);
    one.k.data[d] = 0;
    one.k.data[64 + d] = f32_to_bf16(d == 0 ? 1.f : 0.f);
    one.v.data[d] = f32_to_bf16(4.f);
    one.v.data[64 + d] = f32_to_bf16(-8.f);
  }
  one.scale = std::log(3.f);
  Context ctx;
  ASSERT_TRUE(sequence_attention(ctx, one.args(one.y)));
  EXPECT_FLOAT_EQ(one.used(one.y)[0], 4.f / 4 - 8.f * 3 / 4);
}

TEST(SequenceAttention, ShowsARowWithAMaskOnlyWhatCameBefore) {
  SequenceCase masked{{2, 1, 64}, {{3, 5}}, true};
  SequenceCase first{{2, 1, 64}, {{1, 3}}, false};
  Context ctx;
  ASSERT_TRUE(sequence_attention(ctx, masked.args(masked.y)));
  ASSERT_TRUE(sequence_attention(ctx, first.args(first.y)));
  auto all = masked.used(masked.y);
  const auto alone = first.used(first.y);
  all.resize(alone.size());
  EXPECT_TRUE(computed_alike(all, alone, first.used(first.q)));
}

TEST(SequenceAttention, LeavesWhatLiesBehindAlone) {
  SequenceCase one{{2, 1, 64}, {{3, 5}, {2, 0}}, true};
  Context ctx;
  ASSERT_TRUE(sequence_attention(ctx, one.args(one.y)));
  EXPECT_TRUE(one.spared_the_rest());
  const auto y = one.used(one.y);
  EXPECT_EQ(y.back(), 0);
  EXPECT_NE(y.front(), 0);
  EXPECT_NE(y.front(), one.used(one.q).front());
}

TEST(SequenceAttention, RefusesWhatItCannotDo) {
  SequenceCase one{{2, 1, 64}, {{3, 5}}, true};
  const auto refused = [&](const Device& device, auto change) {
    auto args = one.args(one.y);
    change(args);
    const auto able = SequenceAttention::supports(device, args);
    EXPECT_FALSE(able);
    return able ? std::string{} : able.error().message;
  };
  using Args = SequenceAttention::Args;
  EXPECT_THAT(refused({}, [](Args& a) { a.head_dim = 96; }),
              HasSubstr("head_dim 64 or 128"));
  refused({}, [](Args& a) { a.kv_heads = 0; });
  refused({}, [](Args& a) { a.scale = 0; });
  refused({},
          [](Args& a) { a.scale = std::numeric_limits<float>::quiet_NaN(); });
  refused({}, [](Args& a) { a.k.shape[0] = 0; });
  refused({}, [](Args& a) { a.v.shape[0] += 1; });
  refused({}, [](Args& a) { a.q.dtype = DType::f32; });
  refused({}, [](Args& a) {
    a.q.data = static_cast<std::uint16_t*>(a.q.data) + 1;
  });
  EXPECT_THAT(refused({.backend = Backend::cuda, .sm = 80}, [](Args&) {}),
              HasSubstr("sm_90"));
  EXPECT_TRUE(SequenceAttention::supports({.backend = Backend::cuda, .sm = 90},
                                          one.args(one.y)));
}

}  // namespace
}  // namespace troupe::kernels
