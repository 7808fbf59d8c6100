#include "kernels/attention.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "tests/kernels/support.hpp"

namespace troupe::kernels {
namespace {

// Some sums of up to 128 products, an exponential within 2 ulp, a running sum.
constexpr Tolerance kAttendAllowed{2e-6, 2e-6};

struct Shape {
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
};

struct Place {
  std::int32_t sequence = 0;
  std::int32_t position = 0;
};

// Sequences of given lengths, all of whose queries, keys and values are known;
// a pool in which every page begins as NaN and none lies where one would guess.
class Pool {
 public:
  Pool(Shape shape, std::vector<std::int32_t> lengths)
      : scale{1.f / std::sqrt(static_cast<float>(shape.head_dim))},
        shape_{shape},
        lengths_{std::move(lengths)} {
    most_ = (*std::ranges::max_element(lengths_) + 15) / 16;
    const auto pages = most_ * std::ssize(lengths_);
    table_.resize(static_cast<std::size_t>(pages));
    std::iota(table_.begin(), table_.end(), 0);
    std::shuffle(table_.begin(), table_.end(), std::mt19937{7});
    const auto elements = pages * 16 * shape.kv_heads * shape.head_dim;
    keys_.assign(static_cast<std::size_t>(elements), NAN);
    values_ = keys_;
    for (unsigned s = 0; s < lengths_.size(); ++s) {
      q_.push_back(random_values(lengths_[s] * q_width(), 3 * s + 1));
      k_.push_back(random_values(lengths_[s] * kv_width(), 3 * s + 2));
      v_.push_back(random_values(lengths_[s] * kv_width(), 3 * s + 3));
    }
  }

  std::int64_t q_width() const { return shape_.heads * shape_.head_dim; }
  std::int64_t kv_width() const { return shape_.kv_heads * shape_.head_dim; }

  std::vector<Place> whole(std::int32_t sequence) const {
    std::vector<Place> places;
    for (std::int32_t t = 0; t < lengths_[static_cast<std::size_t>(sequence)];
         ++t)
      places.push_back({sequence, t});
    return places;
  }

  // One step: appends the rows' keys and values, then attends.
  std::vector<float> step(Context& ctx, const std::vector<Place>& places) {
    const auto rows = std::ssize(places);
    std::vector<std::int32_t> sequences, positions;
    for (const auto& place : places) {
      sequences.push_back(place.sequence);
      positions.push_back(place.position);
    }
    const auto q = rows_of(q_, places, q_width());
    const auto k = rows_of(k_, places, kv_width());
    const auto v = rows_of(v_, places, kv_width());
    std::vector<float> y(q.size());
    const KvRows at{
        .page_table = matrix_ref(table_.data(), std::ssize(lengths_), most_),
        .sequences = vector_ref(sequences.data(), rows),
        .positions = vector_ref(positions.data(), rows)};
    EXPECT_TRUE(
        kv_append(ctx, {.pages = pages(),
                        .at = at,
                        .keys = matrix_ref(k.data(), rows, kv_width()),
                        .values = matrix_ref(v.data(), rows, kv_width())}));
    const Attention::Args args{.y = matrix_ref(y.data(), rows, q_width()),
                               .q = matrix_ref(q.data(), rows, q_width()),
                               .pages = pages(),
                               .at = at,
                               .heads = shape_.heads,
                               .scale = scale};
    EXPECT_TRUE(attention(ctx, args));
    if (check_reference) {
      auto reference = args;
      std::vector<float> expected(q.size());
      reference.y = matrix_ref(expected.data(), rows, q_width());
      Attention::reference(reference);
      EXPECT_TRUE(computed(y, expected, q, kAttendAllowed));
    }
    return y;
  }

  // By plain loops over the sequence's own rows, no pages.
  std::vector<float> expected(const std::vector<Place>& places) const {
    std::vector<float> out;
    for (const auto& place : places)
      for (std::int64_t head = 0; head < shape_.heads; ++head)
        expect_head(place, head, out);
    return out;
  }
  std::vector<float> queries(const std::vector<Place>& places) const {
    return rows_of(q_, places, q_width());
  }

  KvPages pages() {
    return {.keys = keys_.data(),
            .values = values_.data(),
            .pages = std::ssize(table_),
            .kv_heads = shape_.kv_heads,
            .head_dim = shape_.head_dim};
  }

  bool check_reference = false;
  float scale;

 private:
  using Rows = std::vector<std::vector<float>>;

  static std::vector<float> rows_of(const Rows& from,
                                    const std::vector<Place>& places,
                                    std::int64_t width) {
    std::vector<float> out;
    for (const auto& place : places) {
      const auto* row = from[static_cast<std::size_t>(place.sequence)].data() +
                        place.position * width;
      out.insert(out.end(), row, row + width);
    }
    return out;
  }

  void expect_head(const Place& place, std::int64_t head,
                   std::vector<float>& out) const {
    const auto s = static_cast<std::size_t>(place.sequence);
    const auto dim = shape_.head_dim;
    const auto kv = head / (shape_.heads / shape_.kv_heads) * dim;
    const auto* q = q_[s].data() + place.position * q_width() + head * dim;
    std::vector<double> y(static_cast<std::size_t>(dim));
    double sum = 0;
    for (std::int64_t t = 0; t <= place.position; ++t) {
      const auto* k = k_[s].data() + t * kv_width() + kv;
      const auto* v = v_[s].data() + t * kv_width() + kv;
      double score = 0;
      for (std::int64_t d = 0; d < dim; ++d) score += double{q[d]} * k[d];
      const double weight = std::exp(score * scale);
      sum += weight;
      for (std::int64_t d = 0; d < dim; ++d)
        y[static_cast<std::size_t>(d)] += weight * v[d];
    }
    for (const double value : y) out.push_back(static_cast<float>(value / sum));
  }

  Shape shape_;
  std::vector<std::int32_t> lengths_;
  std::int64_t most_ = 0;
  std::vector<std::int32_t> table_;
  std::vector<float> keys_, values_;
  Rows q_, k_, v_;
};

using AttentionLevels = EachLevel;
TROUPE_EACH_LEVEL(AttentionLevels);

TEST_P(AttentionLevels, EqualPlainLoopsForAllShapes) {
  const Shape shapes[] = {{1, 1, 64},  {2, 2, 64},  {14, 2, 64},
                          {7, 1, 128}, {4, 4, 128}, {12, 2, 128}};
  for (const auto& shape : shapes)
    for (const std::int32_t length : {1, 15, 16, 17, 50, 133}) {
      TestDevice device{GetParam(), 2};
      Pool pool{shape, {length}};
      pool.check_reference = true;
      const auto all = pool.whole(0);
      EXPECT_TRUE(computed(pool.step(device.ctx, all), pool.expected(all),
                           pool.queries(all), kAttendAllowed))
          << shape.heads << "/" << shape.kv_heads << " x " << shape.head_dim
          << ", " << length;
    }
}

TEST_P(AttentionLevels, GiveARowTheSameBytesInAnyChunkBatchAndTeam) {
  const Shape shape{6, 2, 64};
  const std::vector<std::int32_t> lengths{75, 20, 33};
  TestDevice one{GetParam(), 1}, three{GetParam(), 3};
  Pool whole{shape, lengths};
  std::vector<std::vector<float>> once;
  for (std::int32_t s = 0; s < 3; ++s)
    once.push_back(whole.step(three.ctx, whole.whole(s)));

  for (const std::size_t chunk : {1, 3, 16, 40}) {
    Pool chunked{shape, lengths};
    std::vector<float> joined;
    const auto all = chunked.whole(0);
    for (std::size_t at = 0; at < all.size(); at += chunk) {
      const auto end = std::min(at + chunk, all.size());
      const auto y = chunked.step(
          one.ctx, {all.begin() + static_cast<std::ptrdiff_t>(at),
                    all.begin() + static_cast<std::ptrdiff_t>(end)});
      joined.insert(joined.end(), y.begin(), y.end());
    }
    EXPECT_TRUE(same_bits(joined, once[0])) << "chunks of " << chunk;
  }

  // All three side by side, a position a step, as decoding does.
  Pool batched{shape, lengths};
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
    EXPECT_TRUE(same_bits(rows[s], once[s])) << "sequence " << s;
}

TEST_P(AttentionLevels, KeepSequencesApartWhosePositionsFollowOneAnother) {
  TestDevice device{GetParam()};
  Pool pool{{2, 1, 64}, {5, 16}};
  auto second = pool.whole(1);
  pool.step(device.ctx, {second.begin(), second.begin() + 5});
  auto rows = pool.whole(0);
  rows.insert(rows.end(), second.begin() + 5, second.end());
  EXPECT_TRUE(computed(pool.step(device.ctx, rows), pool.expected(rows),
                       pool.queries(rows), kAttendAllowed));
}

TEST_P(AttentionLevels, HoldForScoresThatOneKeyWins) {
  TestDevice device{GetParam()};
  Pool pool{{2, 1, 64}, {40}};
  pool.scale = 8;  // Scores of some +-150: beyond what exp() holds in fp32.
  const auto all = pool.whole(0);
  // Scores are off by up to 150 * 2^-22, and weights by as much.
  EXPECT_TRUE(computed(pool.step(device.ctx, all), pool.expected(all),
                       pool.queries(all), {2e-4, 2e-4}));
}

TEST_P(AttentionLevels, LetNotANumberThrough) {
  TestDevice device{GetParam()};
  Pool pool{{1, 1, 64}, {20}};
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
  const auto able = [](Shape shape) {
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
