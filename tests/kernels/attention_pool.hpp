// Sequences with a paged cache, for the tests of attention.
#pragma once

#include <numeric>

#include "kernels/attention.hpp"
#include "kernels/numbers.hpp"
#include "tests/kernels/support.hpp"

namespace troupe::kernels {

// Some sums of up to 128 products, an exponential within 2 ulp, a running sum.
inline constexpr Tolerance kAttentionAllowed{2e-6, 2e-6};

struct HeadShape {
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
};

struct Place {
  std::int32_t sequence = 0;
  std::int32_t position = 0;  // -1: a row that only fills a step.
};

// Sequences of given lengths, all of whose queries, keys and values are known;
// a pool in which every page begins as NaN and none lies where one would guess.
class AttentionPool {
 public:
  AttentionPool(HeadShape shape, std::vector<std::int32_t> lengths,
                DType dtype = DType::f32)
      : scale{1.f / std::sqrt(static_cast<float>(shape.head_dim))},
        shape_{shape},
        dtype_{dtype},
        lengths_{std::move(lengths)} {
    most_ = (*std::ranges::max_element(lengths_) + 15) / 16;
    const auto pages = most_ * std::ssize(lengths_);
    table_.resize(static_cast<std::size_t>(pages));
    std::iota(table_.begin(), table_.end(), 0);
    std::shuffle(table_.begin(), table_.end(), std::mt19937{7});
    const auto elements = pages * 16 * shape.kv_heads * shape.head_dim;
    // All ones: no number in f32 nor in bf16.
    keys_.assign(static_cast<std::size_t>(elements) * dtype_bytes(dtype),
                 std::byte{0xff});
    values_ = keys_;
    for (unsigned s = 0; s < lengths_.size(); ++s) {
      q_.push_back(random_values(lengths_[s] * q_width(), 3 * s + 1));
      k_.push_back(random_values(lengths_[s] * kv_width(), 3 * s + 2));
      v_.push_back(random_values(lengths_[s] * kv_width(), 3 * s + 3));
      if (dtype == DType::f32) continue;
      for (auto* values : {&k_.back(), &v_.back()})
        for (auto& value : *values) value = bf16_to_f32(f32_to_bf16(value));
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

  // The key and the value at a place become no numbers.
  void spoil(const Place& place) {
    for (auto* rows : {&k_, &v_})
      (*rows)[static_cast<std::size_t>(place.sequence)]
             [static_cast<std::size_t>(place.position * kv_width())] = NAN;
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
    for (std::size_t i = 0; full && i < places.size(); ++i)
      positions[i] = length(places[i]) - 1;
    const Attention::Args args{.y = matrix_ref(y.data(), rows, q_width()),
                               .q = matrix_ref(q.data(), rows, q_width()),
                               .pages = pages(),
                               .at = at,
                               .heads = shape_.heads,
                               .scale = scale,
                               .decode = decode};
    std::vector<std::byte> scratch(Attention::workspace_bytes(ctx.device, args),
                                   std::byte{0xff});
    ctx.scratch = scratch;
    EXPECT_TRUE(attention(ctx, args));
    ctx.scratch = {};
    if (check_reference) {
      auto reference = args;
      std::vector<float> expected(q.size());
      reference.y = matrix_ref(expected.data(), rows, q_width());
      Attention::reference(reference);
      EXPECT_TRUE(computed(y, expected, q, kAttentionAllowed));
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
            .dtype = dtype_,
            .pages = std::ssize(table_),
            .kv_heads = shape_.kv_heads,
            .head_dim = shape_.head_dim};
  }

  bool check_reference = false;
  bool decode = false;
  bool full = false;  // Every row sees all of its sequence.
  float scale;

 private:
  std::int32_t length(const Place& place) const {
    return lengths_[static_cast<std::size_t>(place.sequence)];
  }

  using Rows = std::vector<std::vector<float>>;

  static std::vector<float> rows_of(const Rows& from,
                                    const std::vector<Place>& places,
                                    std::int64_t width) {
    std::vector<float> out;
    for (const auto& place : places) {
      if (place.position < 0) {
        out.insert(out.end(), static_cast<std::size_t>(width), 1.f);
        continue;
      }
      const auto* row = from[static_cast<std::size_t>(place.sequence)].data() +
                        place.position * width;
      out.insert(out.end(), row, row + width);
    }
    return out;
  }

  void expect_head(const Place& place, std::int64_t head,
                   std::vector<float>& out) const {
    const auto dim = shape_.head_dim;
    if (place.position < 0) {
      out.insert(out.end(), static_cast<std::size_t>(dim), 0.f);
      return;
    }
    const auto s = static_cast<std::size_t>(place.sequence);
    const auto last = full ? length(place) - 1 : place.position;
    const auto kv = head / (shape_.heads / shape_.kv_heads) * dim;
    const auto* q = q_[s].data() + place.position * q_width() + head * dim;
    std::vector<double> y(static_cast<std::size_t>(dim));
    double sum = 0;
    for (std::int64_t t = 0; t <= last; ++t) {
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

  HeadShape shape_;
  DType dtype_;
  std::vector<std::int32_t> lengths_;
  std::int64_t most_ = 0;
  std::vector<std::int32_t> table_;
  std::vector<std::byte> keys_, values_;
  Rows q_, k_, v_;
};

}  // namespace troupe::kernels
