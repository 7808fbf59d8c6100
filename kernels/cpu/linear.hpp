// The inner work of linear layers. One chain of sums per output, inputs
// ascending, whatever the tile: a block of inputs ends by storing the sums,
// and the next goes on from there. The bias is added last.
#pragma once

#include "kernels/cpu/math.hpp"

namespace troupe::kernels {

// Inputs per block: three panels' weights (192 KiB) stay in a second-level
// cache, eight rows of x (32 KiB) nearly in a first-level one. Other sizes were
// not tried; results do not depend on it.
inline constexpr std::int64_t kLinearBlock = 1024;

/// How far a chain has come: zero, or what the block before it stored.
template <class L, int kR, int kP>
void load_sums(const LinearPart& part, std::int64_t row, std::int64_t panel,
               bool first, typename L::V (&sum)[kR][kP]) {
  for (int p = 0; p < kP; ++p) {
    const auto at = (panel + p) * kLanes;
    const auto left = part.outputs - at;
    for (int r = 0; r < kR; ++r)
      sum[r][p] = first ? L::all(0.f)
                        : load_first<L>(part.y + (row + r) * part.outputs + at,
                                        left < kLanes ? left : kLanes);
  }
}

template <class L, int kR, int kP>
void store_sums(const LinearPart& part, std::int64_t row, std::int64_t panel,
                bool last, const typename L::V (&sum)[kR][kP]) {
  using V = typename L::V;
  for (int p = 0; p < kP; ++p) {
    const auto at = (panel + p) * kLanes;
    const auto left = part.outputs - at;
    const auto lanes = left < kLanes ? left : kLanes;
    const bool biased = last && part.bias != nullptr;
    V bias = L::all(0.f);
    if (biased) bias = load_first<L>(part.bias + at, lanes);
    for (int r = 0; r < kR; ++r)
      store_first<L>(part.y + (row + r) * part.outputs + at,
                     biased ? L::add(sum[r][p], bias) : sum[r][p], lanes);
  }
}

template <class L, int kR, int kP>
void linear_tile(const LinearPart& part, std::int64_t row, std::int64_t panel,
                 std::int64_t begin, std::int64_t end) {
  using V = typename L::V;
  const float* x[kR];
  const float* w[kP];
  for (int r = 0; r < kR; ++r)
    x[r] = static_cast<const float*>(part.x) + (row + r) * part.inputs;
  for (int p = 0; p < kP; ++p)
    w[p] = static_cast<const float*>(part.packed) +
           (panel + p) * part.inputs * kLanes;
  V sum[kR][kP];
  load_sums<L, kR, kP>(part, row, panel, begin == 0, sum);
  for (std::int64_t k = begin; k < end; ++k) {
    V weight[kP];
    for (int p = 0; p < kP; ++p) weight[p] = L::load(w[p] + k * kLanes);
    for (int r = 0; r < kR; ++r) {
      const V input = L::all(x[r][k]);
      for (int p = 0; p < kP; ++p)
        sum[r][p] = L::fma(input, weight[p], sum[r][p]);
    }
  }
  store_sums<L, kR, kP>(part, row, panel, end == part.inputs, sum);
}

template <class L, int kP, int kR = L::kRows>
void linear_rows(const LinearPart& part, std::int64_t row, std::int64_t rows,
                 std::int64_t panel, std::int64_t begin, std::int64_t end) {
  if (rows == kR)
    linear_tile<L, kR, kP>(part, row, panel, begin, end);
  else if constexpr (kR > 1)
    linear_rows<L, kP, kR - 1>(part, row, rows, panel, begin, end);
}

template <class L, int kP>
void linear_panels(const LinearPart& part, std::int64_t panel) {
  std::int64_t begin = 0;
  do {
    const auto end =
        part.inputs - begin > kLinearBlock ? begin + kLinearBlock : part.inputs;
    for (std::int64_t row = 0; row < part.rows; row += L::kRows) {
      const auto left = part.rows - row;
      linear_rows<L, kP>(part, row, left < L::kRows ? left : L::kRows, panel,
                         begin, end);
    }
    begin = end;
  } while (begin < part.inputs);
}

template <class L>
void linear_part(const LinearPart& part) {
  auto panel = part.first_panel;
  const auto end = part.first_panel + part.panels;
  for (; panel + L::kPanels <= end; panel += L::kPanels)
    linear_panels<L, L::kPanels>(part, panel);
  if constexpr (L::kPanels > 1)
    for (; panel < end; ++panel) linear_panels<L, 1>(part, panel);
}

}  // namespace troupe::kernels
