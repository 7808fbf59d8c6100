#include "kernels/attention.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/kernels/attention_pool.hpp"

namespace troupe::kernels {
namespace {

using AttentionLevels = EachLevel;
TROUPE_EACH_LEVEL(AttentionLevels);

TEST_P(AttentionLevels, EqualPlainLoopsForAllShapes) {
  const HeadShape shapes[] = {{1, 1, 64},  {2, 2, 64},  {14, 2, 64},
                              {7, 1, 128}, {4, 4, 128}, {12, 2, 128}};
  for (const auto& shape : shapes)
    for (const std::int32_t length : {1, 15, 16, 17, 50, 133}) {
      TestDevice device{GetParam(), 2};
      AttentionPool pool{shape, {length}};
      pool.check_reference = true;
      const auto all = pool.whole(0);
      EXPECT_TRUE(computed(pool.step(device.ctx, all), pool.expected(all),
                           pool.queries(all), kAttentionAllowed))
          << shape.heads << "/" << shape.kv_heads << " x " << shape.head_dim
          << ", " << length;
    }
}

TEST_P(AttentionLevels, GiveARowTheSameBytesInAnyChunkBatchAndTeam) {
  const HeadShape shape{6, 2, 64};
  const std::vector<std::int32_t> lengths{75, 20, 33};
  TestDevice one{GetParam(), 1}, three{GetParam(), 3};
  AttentionPool whole{shape, lengths};
  std::vector<std::vector<float>> once;
  for (std::int32_t s = 0; s < 3; ++s)
    once.push_back(whole.step(three.ctx, whole.whole(s)));

  for (const std::size_t chunk : {1, 3, 16, 40}) {
    AttentionPool chunked{shape, lengths};
    std::vector<float> joined;
    const auto all = chunked.whole(0);
    for (std::size_t at = 0; at < all.size(); at += chunk) {
      const auto end = std::min(at + chunk, all.size());
      const auto y = chunked.step(
          one.ctx, {all.begin() + static_cast<std::ptrdiff_t>(at),
                    all.begin() + static_cast<std::ptrdiff_t>(end)});
      joined.insert(joined.end(), y.begin(), y.end());
    }
    EXPECT_TRUE(computed_alike(joined, once[0], chunked.queries(all)))
        << "chunks of " << chunk;
  }

  // All three side by side, a position a step, as decoding does.
  AttentionPool batched{shape, lengths};
  std::vector<std::vector<float>> rows(3);
  for (std::int32_t t = 0; t < 75; ++t) {
    std::vector<Place> places;
    for (std::int32_t s = 2; s >= 0; --s)
      if (t < lengths[static_cast<std::size_t>(s)]) places.push_back({s, t});
    const auto y = batched.step(three.ctx, places);
    const auto width = batched.q_width();
    for (std::size_t i = 0; i < places.size(); ++i) {
      const auto* row = y.data() + static_cast<std::int64_t>(i) * width;
      auto& to = rows[static_cast<std::size_t>(places[i].sequence)];
      to.insert(to.end(), row, row + width);
    }
  }
  for (std::size_t s = 0; s < 3; ++s)
    EXPECT_TRUE(computed_alike(
        rows[s], once[s],
        whole.queries(whole.whole(static_cast<std::int32_t>(s)))))
        << "sequence " << s;
}

TEST_P(AttentionLevels, KeepSequencesApartWhosePositionsFollowOneAnother) {
  TestDevice device{GetParam()};
  AttentionPool pool{{2, 1, 64}, {5, 16}};
  auto second = pool.whole(1);
  pool.step(device.ctx, {second.begin(), second.begin() + 5});
  auto rows = pool.whole(0);
  rows.insert(rows.end(), second.begin() + 5, second.end());
  EXPECT_TRUE(computed(pool.step(device.ctx, rows), pool.expected(rows),
                       pool.queries(rows), kAttentionAllowed));
}

TEST_P(AttentionLevels, SeeAllWhereEveryRowStandsAtTheEnd) {
  TestDevice device{GetParam(), 2};
  AttentionPool pool{{4, 2, 64}, {37, 20}};
  pool.full = true;
  auto rows = pool.whole(0);
  const auto second = pool.whole(1);
  rows.insert(rows.end(), second.begin(), second.end());
  EXPECT_TRUE(computed(pool.step(device.ctx, rows), pool.expected(rows),
                       pool.queries(rows), kAttentionAllowed));
}

TEST_P(AttentionLevels, HoldForScoresThatOneKeyWins) {
  TestDevice device{GetParam()};
  AttentionPool pool{{2, 1, 64}, {40}};
  pool.scale = 8;  // Scores of some +-150: beyond what exp() holds in fp32.
  const auto all = pool.whole(0);
  // Scores are off by up to 150 * 2^-22, and weights by as much.
  EXPECT_TRUE(computed(pool.step(device.ctx, all), pool.expected(all),
                       pool.queries(all), {2e-4, 2e-4}));
}

TEST_P(AttentionLevels, LetNotANumberThrough) {
  TestDevice device{GetParam()};
  AttentionPool pool{{1, 1, 64}, {20}};
  const std::vector<float> bad(64, NAN), fine = random_values(64, 9);
  const std::vector<std::int32_t> zero{0};
  std::vector<float> y(64);
  const KvRows at{.page_table = matrix_ref(zero.data(), 1, 1),
                  .sequences = vector_ref(zero.data(), 1),
                  .positions = vector_ref(zero.data(), 1)};
  ASSERT_TRUE(
      kv_append(device.ctx, {.pages = pool.pages(),
                             .at = at,
                             .keys = matrix_ref(bad.data(), 1, 64),
                             .values = matrix_ref(fine.data(), 1, 64)}));
  ASSERT_TRUE(attention(device.ctx, {.y = matrix_ref(y.data(), 1, 64),
                                     .q = matrix_ref(fine.data(), 1, 64),
                                     .pages = pool.pages(),
                                     .at = at,
                                     .heads = 1,
                                     .scale = 0.125f}));
  EXPECT_TRUE(std::isnan(y[0]));
  EXPECT_TRUE(std::isnan(y[63]));
}

TEST(AttentionSupports, HeadSizesAndGroups) {
  const auto able = [](HeadShape shape) {
    const float* none = nullptr;
    const std::int32_t* no_ids = nullptr;
    const auto width = shape.heads * shape.head_dim;
    return Attention::supports({},
                               {.y = matrix_ref(none, 3, width),
                                .q = matrix_ref(none, 3, width),
                                .pages = {.pages = 4,
                                          .kv_heads = shape.kv_heads,
                                          .head_dim = shape.head_dim},
                                .at = {.page_table = matrix_ref(no_ids, 2, 2),
                                       .sequences = vector_ref(no_ids, 3),
                                       .positions = vector_ref(no_ids, 3)},
                                .heads = shape.heads,
                                .scale = 1});
  };
  EXPECT_TRUE(able({14, 2, 64}));
  EXPECT_TRUE(able({4, 4, 128}));
  EXPECT_FALSE(able({14, 4, 64}));
  EXPECT_FALSE(able({2, 4, 64}));
  EXPECT_FALSE(able({4, 4, 96}));
  EXPECT_FALSE(able({4, 0, 64}));
  const auto refused = able({4, 4, 80});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, ::testing::HasSubstr("head size 80"));
}

}  // namespace
}  // namespace troupe::kernels
