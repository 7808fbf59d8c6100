// Rows to decode over a paged bf16 cache laid out as on a device, where what
// was never written is no number, and what should come of it.
#pragma once

#include <cmath>
#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

#include "kernels/attention.hpp"
#include "kernels/numbers.hpp"
#include "tests/kernels/support.hpp"

namespace troupe::kernels {

struct DecodeCase {
  /// Row r sees seen[r] positions of a sequence of its own; `pages` in all are
  /// dealt out in turn. `most`: of a sequence, seen or not.
  DecodeCase(std::int64_t heads_, std::int64_t kv_heads_, std::int64_t dim_,
             const std::vector<std::int32_t>& seen, std::int64_t most_,
             std::int64_t pages_)
      : heads{heads_},
        kv_heads{kv_heads_},
        dim{dim_},
        most{most_},
        pages{pages_},
        keys(static_cast<std::size_t>(pages * kv_heads * kPageTokens * dim),
             std::uint16_t{0xffff}),
        values{keys},
        sequences(seen.size()),
        positions{seen},
        table(seen.size() * static_cast<std::size_t>(most)),
        q{random_values(std::ssize(seen) * heads * dim, 3)},
        y(q.size(), NAN) {
    std::iota(sequences.begin(), sequences.end(), 0);
    for (auto& position : positions) --position;
    std::mt19937 rng{11};
    std::vector<std::int32_t> numbers(static_cast<std::size_t>(pages));
    std::iota(numbers.begin(), numbers.end(), 0);
    std::ranges::shuffle(numbers, rng);
    for (std::size_t i = 0; i < table.size(); ++i)
      table[i] = numbers[i % numbers.size()];
    std::normal_distribution<float> normal;
    for (std::size_t r = 0; r < seen.size(); ++r)
      for (std::int64_t t = 0; t < seen[r]; ++t)
        for (std::int64_t i = 0; i < kv_heads * dim; ++i) {
          const auto to =
              place(r, t, i / dim) + static_cast<std::size_t>(i % dim);
          keys[to] = f32_to_bf16(normal(rng));
          // The further on, the higher: no position stands in for another.
          values[to] =
              f32_to_bf16(normal(rng) + static_cast<float>(t) * 0.002f);
        }
  }

  /// Instead of the only row: a row at each position that it saw.
  void take_all_positions() {
    const auto rows = positions.at(0) + 1;
    positions.resize(static_cast<std::size_t>(rows));
    std::iota(positions.begin(), positions.end(), 0);
    sequences.assign(positions.size(), 0);
    q = random_values(rows * heads * dim, 5);
    y.assign(q.size(), NAN);
  }

  std::size_t place(std::size_t row, std::int64_t t, std::int64_t head) const {
    const auto page = table[static_cast<std::size_t>(sequences[row] * most) +
                            static_cast<std::size_t>(t / kPageTokens)];
    return static_cast<std::size_t>(
        ((page * kv_heads + head) * kPageTokens + t % kPageTokens) * dim);
  }

  Attention::Args args() {
    const auto rows = std::ssize(sequences);
    return {.y = matrix_ref(y.data(), rows, heads * dim),
            .q = matrix_ref(q.data(), rows, heads * dim),
            .pages = {.keys = keys.data(),
                      .values = values.data(),
                      .dtype = DType::bf16,
                      .pages = pages,
                      .kv_heads = kv_heads,
                      .head_dim = dim},
            .at = {.page_table =
                       matrix_ref(table.data(), std::ssize(table) / most, most),
                   .sequences = vector_ref(sequences.data(), rows),
                   .positions = vector_ref(positions.data(), rows)},
            .heads = heads,
            .scale = 1.f / std::sqrt(static_cast<float>(dim)),
            .decode = true};
  }

  void expect_head(std::size_t row, std::int64_t head,
                   std::vector<float>& out) const {
    const auto* from =
        q.data() + (static_cast<std::int64_t>(row) * heads + head) * dim;
    std::vector<double> sums(static_cast<std::size_t>(dim));
    double all = 0;
    for (std::int64_t t = 0; t <= positions[row]; ++t) {
      const auto at = place(row, t, head / (heads / kv_heads));
      double score = 0;
      for (std::size_t d = 0; d < sums.size(); ++d)
        score += double{from[d]} * bf16_to_f32(keys[at + d]);
      const double weight =
          std::exp(score / std::sqrt(static_cast<double>(dim)));
      all += weight;
      for (std::size_t d = 0; d < sums.size(); ++d)
        sums[d] += weight * bf16_to_f32(values[at + d]);
    }
    for (const double sum : sums)
      out.push_back(all == 0 ? 0.f : static_cast<float>(sum / all));
  }
  std::vector<float> expected() const {
    std::vector<float> out;
    for (std::size_t row = 0; row < positions.size(); ++row)
      for (std::int64_t head = 0; head < heads; ++head)
        expect_head(row, head, out);
    return out;
  }

  std::int64_t heads, kv_heads, dim, most, pages;
  std::vector<std::uint16_t> keys, values;
  std::vector<std::int32_t> sequences, positions, table;
  std::vector<float> q, y;
};

}  // namespace troupe::kernels
