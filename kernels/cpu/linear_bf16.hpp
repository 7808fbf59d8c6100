// Products with weights of bf16, two inputs at a time: one chain of sums per
// output, as in linear.hpp.
#pragma once

#include "kernels/cpu/linear.hpp"
#include "kernels/cpu/unrolled.hpp"

namespace troupe::kernels {

template <class L>
void prepare_bf16_row(void* to, const float* x, std::int64_t inputs) {
  auto* pairs = static_cast<typename L::Pair*>(to);
  std::int64_t i = 0;
  for (; i + 2 <= inputs; i += 2) pairs[i / 2] = L::pair(x[i], x[i + 1]);
  if (i < inputs) pairs[i / 2] = L::pair(x[i], 0.f);
}

template <class L, int kR, int kP>
void bf16_tile(const LinearPart& part, std::int64_t row, std::int64_t panel,
               std::int64_t begin, std::int64_t end) {
  using V = typename L::V;
  using Pair = typename L::Pair;
  const auto all_pairs = (part.inputs + 1) / 2;
  const Pair* x[kR];
  const std::uint32_t* w[kP];
  for (int r = 0; r < kR; ++r)
    x[r] = reinterpret_cast<const Pair*>(static_cast<const char*>(part.x) +
                                         (row + r) * part.x_stride);
  for (int p = 0; p < kP; ++p)
    w[p] = static_cast<const std::uint32_t*>(part.packed) +
           (panel + p) * all_pairs * kLanes;
  V stored[kR][kP];
  load_sums<L, kR, kP>(part, row, panel, begin == 0, stored);
  V sum[kR][kP];
  copy_tile(stored, sum);
  for (std::int64_t k = begin; k < end; ++k) {
    typename L::Pairs weight[kP];
    unrolled<kP>([&](auto p) TROUPE_INLINE {
      weight[p.value] = L::load_pairs(w[p.value] + k * kLanes);
    });
    unrolled<kR>([&](auto r) TROUPE_INLINE {
      unrolled<kP>([&](auto p) TROUPE_INLINE {
        auto& to = sum[r.value][p.value];
        to = L::add_products(to, weight[p.value], x[r.value][k]);
      });
    });
  }
  copy_tile(sum, stored);
  store_sums<L, kR, kP>(part, row, panel, end == all_pairs, stored);
}

template <class L, int kP, int kR = L::kRows>
void bf16_rows(const LinearPart& part, std::int64_t row, std::int64_t rows,
               std::int64_t panel, std::int64_t begin, std::int64_t end) {
  if (rows == kR)
    bf16_tile<L, kR, kP>(part, row, panel, begin, end);
  else if constexpr (kR > 1)
    bf16_rows<L, kP, kR - 1>(part, row, rows, panel, begin, end);
}

template <class L, int kP>
void bf16_panels(const LinearPart& part, std::int64_t panel) {
  const auto all_pairs = (part.inputs + 1) / 2;
  std::int64_t begin = 0;
  do {
    const auto end =
        all_pairs - begin > kLinearBlock ? begin + kLinearBlock : all_pairs;
    for (std::int64_t row = 0; row < part.rows; row += L::kRows) {
      const auto left = part.rows - row;
      bf16_rows<L, kP>(part, row, left < L::kRows ? left : L::kRows, panel,
                       begin, end);
    }
    begin = end;
  } while (begin < all_pairs);
}

template <class L>
void linear_bf16_part(const LinearPart& part) {
  auto panel = part.first_panel;
  const auto end = part.first_panel + part.panels;
  for (; panel + L::kPanels <= end; panel += L::kPanels)
    bf16_panels<L, L::kPanels>(part, panel);
  if constexpr (L::kPanels > 1)
    for (; panel < end; ++panel) bf16_panels<L, 1>(part, panel);
}

}  // namespace troupe::kernels
