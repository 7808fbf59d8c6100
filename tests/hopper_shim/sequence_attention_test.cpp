// The source of Hopper's attention kernel, run by the C++ compiler: its tiles,
// barriers, turns, masks, descriptors and swizzles against plain loops. What
// the instructions do is taken from the manual; no device was asked.
#include "kernels/sequence_attention.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/hopper_shim/schedules.hpp"
#include "tests/hopper_shim/sequences.hpp"

namespace troupe::kernels {
namespace {

// Weights of 8 bits, sums of fp32, outputs of 8 bits.
constexpr Tolerance kSequencesAllowed{1e-2, 1e-2};

class HopperAttention : public cuda_shim::EachSchedule {
 protected:
  HopperAttention() { ctx.device = {.backend = Backend::cuda, .sm = 90}; }

  ::testing::AssertionResult right(SequenceCase& one) {
    const auto args = one.args(one.y);
    if (auto able = SequenceAttention::supports(ctx.device, args); !able)
      return ::testing::AssertionFailure() << able.error().message;
    SequenceAttention::cuda(ctx, args);
    if (!one.spared_the_rest())
      return ::testing::AssertionFailure() << "wrote behind the sequences";
    return computed(one.used(one.y), one.expected(), one.used(one.q),
                    kSequencesAllowed);
  }

  Context ctx;
};
TROUPE_EACH_SCHEDULE(HopperAttention);

constexpr HeadsOf kHeads[] = {{2, 1, 64}, {2, 2, 128}};

TEST_P(HopperAttention, EqualsPlainLoopsForWholeAndPartialTiles) {
  for (const auto& heads : kHeads)
    for (const bool causal : {false, true})
      for (const auto& lengths : {Lengths{1, 1}, Lengths{64, 128},
                                  Lengths{129, 177}, Lengths{200, 400}}) {
        SequenceCase one{heads, {lengths}, causal};
        EXPECT_TRUE(right(one))
            << heads.head_dim << ", causal " << causal << ", " << lengths.rows
            << " x " << lengths.keys;
      }
}

TEST_P(HopperAttention, KeepsSequencesOfDifferentLengthsApart) {
  for (const auto& heads : kHeads)
    for (const bool causal : {false, true}) {
      SequenceCase one{heads, {{3, 3}, {0, 7}, {130, 260}, {5, 5}}, causal};
      EXPECT_TRUE(right(one)) << heads.head_dim << ", causal " << causal;
    }
}

TEST_P(HopperAttention, GivesZeroToRowsThatSeeNoKey) {
  SequenceCase one{{1, 1, 64}, {{300, 90}, {2, 0}}, true};
  ASSERT_TRUE(right(one));
  const auto y = one.used(one.y);
  EXPECT_EQ(y[0], 0);
  EXPECT_EQ(y.back(), 0);
  EXPECT_NE(y[static_cast<std::size_t>(210 * 64)], 0);
}

TEST_P(HopperAttention, FollowsAMaximumThatRises) {
  for (const auto& heads : kHeads) {
    SequenceCase one{heads, {{70, 500}}, false, 12.f};
    EXPECT_TRUE(right(one)) << heads.head_dim;
  }
}

TEST_P(HopperAttention, SharesKeysAmongTheHeadsOfAGroup) {
  SequenceCase one{{6, 2, 128}, {{40, 150}}, true};
  EXPECT_TRUE(right(one));
}

TEST_P(HopperAttention, DoesNothingWhereThereIsNothing) {
  SequenceCase one{{2, 1, 64}, {}, false};
  SequenceAttention::cuda(ctx, one.args(one.y));
  EXPECT_TRUE(one.spared_the_rest());
}

}  // namespace
}  // namespace troupe::kernels
