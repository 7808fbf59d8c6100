// Products with weights of 8 or 4 bits. Each row of x is rounded to 8 bits
// too, group by group (by itself: a row never sees the others), so that the
// sum of a group's products is a whole number, exact at every level. A group
// then adds it, times both scales, to the one chain of its output.
#pragma once

#include "kernels/cpu/linear.hpp"

namespace troupe::kernels {

template <class L>
void prepare_code_row(void* to, const float* x, std::int64_t inputs,
                      std::int64_t groups, std::int32_t zero) {
  using V = typename L::V;
  auto* codes = static_cast<signed char*>(to);
  auto* scales = reinterpret_cast<float*>(codes + groups * kGroupInputs);
  auto* offsets = reinterpret_cast<std::int32_t*>(scales + groups);
  V none = L::all(0.f);  // Not a number where one of the row is none.
  for (std::int64_t g = 0; g < groups; ++g) {
    V part[2];
    V most = L::all(0.f);
    for (int half = 0; half < 2; ++half) {
      const auto at = g * kGroupInputs + half * kLanes;
      const auto left = inputs - at;
      const auto n = left < 0 ? 0 : left < kLanes ? left : kLanes;
      part[half] = load_first<L>(n == 0 ? x : x + at, n);
      most = L::max(L::max(part[half], L::sub(L::all(0.f), part[half])), most);
      none = L::fma(part[half], L::all(0.f), none);
    }
    const float max = L::highest(most);
    // Below it a code's reciprocal has no number.
    const float inverse = max > 1e-30f ? 127.f / max : 0.f;
    std::int32_t sum = 0;
    for (int half = 0; half < 2; ++half) {
      const V magic = L::all(kRoundingMagic);
      const V whole =
          L::sub(L::add(L::mul(part[half], L::all(inverse)), magic), magic);
      sum +=
          L::store_codes(codes + g * kGroupInputs + half * kLanes,
                         L::min(L::max(whole, L::all(-127.f)), L::all(127.f)));
    }
    scales[g] = inverse > 0.f ? max / 127.f : 0.f;
    offsets[g] = -zero * sum;
  }
  if (groups > 0) scales[0] += sum_of<L>(none);
}

template <class L, int kBits, int kR, int kP>
void code_tile(const LinearPart& part, std::int64_t row, std::int64_t panel) {
  using V = typename L::V;
  using I = typename L::I;
  constexpr std::int64_t kHalfBytes = kGroupInputs * kLanes * kBits / 8;
  constexpr std::int64_t kScales = 2 * kLanes * 2;
  constexpr std::int64_t kBlockBytes = kScales + 2 * kHalfBytes;
  const auto groups = part.groups;
  const signed char* x[kR];
  const float* scale[kR];
  const std::int32_t* offset[kR];
  const unsigned char* w[kP];
  for (int r = 0; r < kR; ++r) {
    x[r] = static_cast<const signed char*>(part.x) + (row + r) * part.x_stride;
    scale[r] = reinterpret_cast<const float*>(x[r] + groups * kGroupInputs);
    offset[r] = reinterpret_cast<const std::int32_t*>(scale[r] + groups);
  }
  for (int p = 0; p < kP; ++p)
    w[p] = static_cast<const unsigned char*>(part.packed) +
           (panel + p) * groups / 2 * kBlockBytes;
  V sum[kR][kP];
  load_sums<L, kR, kP>(part, row, panel, true, sum);
  for (std::int64_t g = 0; g < groups; ++g) {
    const auto half = g % 2;
    const auto codes = kScales + half * kHalfBytes;
    I dot[kR][kP];
    for (int r = 0; r < kR; ++r)
      for (int p = 0; p < kP; ++p) dot[r][p] = L::all_int(offset[r][g]);
    const auto four = [&](int r, int k) {
      std::int32_t inputs;
      __builtin_memcpy(&inputs, x[r] + g * kGroupInputs + k * 4, 4);
      return L::four_inputs(inputs);
    };
    if constexpr (kBits == 8) {
      for (int k = 0; k < 8; ++k) {
        typename L::Bytes weight[kP];
        for (int p = 0; p < kP; ++p)
          weight[p] = L::load_bytes(w[p] + codes + k * kLanes * 4);
        for (int r = 0; r < kR; ++r) {
          const auto inputs = four(r, k);
          for (int p = 0; p < kP; ++p)
            dot[r][p] = L::add_dots(dot[r][p], weight[p], inputs);
        }
      }
    } else {
      for (int k = 0; k < 4; ++k) {
        typename L::Bytes low[kP], high[kP];
        for (int p = 0; p < kP; ++p) {
          const auto both = L::load_bytes(w[p] + codes + k * kLanes * 4);
          low[p] = L::low_halves(both);
          high[p] = L::high_halves(both);
        }
        for (int r = 0; r < kR; ++r) {
          const auto first = four(r, 2 * k);
          const auto second = four(r, 2 * k + 1);
          for (int p = 0; p < kP; ++p)
            dot[r][p] = L::add_dots(L::add_dots(dot[r][p], low[p], first),
                                    high[p], second);
        }
      }
    }
    for (int p = 0; p < kP; ++p) {
      const V weight_scale = L::load_halves(w[p] + half * kLanes * 2);
      for (int r = 0; r < kR; ++r)
        sum[r][p] =
            L::fma(L::to_floats(dot[r][p]),
                   L::mul(weight_scale, L::all(scale[r][g])), sum[r][p]);
    }
    if (half == 1)
      for (int p = 0; p < kP; ++p) w[p] += kBlockBytes;
  }
  store_sums<L, kR, kP>(part, row, panel, true, sum);
}

template <class L, int kBits, int kP, int kR = L::kCodeRows>
void code_rows(const LinearPart& part, std::int64_t row, std::int64_t rows,
               std::int64_t panel) {
  if (rows == kR)
    code_tile<L, kBits, kR, kP>(part, row, panel);
  else if constexpr (kR > 1)
    code_rows<L, kBits, kP, kR - 1>(part, row, rows, panel);
}

template <class L, int kBits, int kP>
void code_panels(const LinearPart& part, std::int64_t panel) {
  for (std::int64_t row = 0; row < part.rows; row += L::kCodeRows) {
    const auto left = part.rows - row;
    code_rows<L, kBits, kP>(part, row,
                            left < L::kCodeRows ? left : L::kCodeRows, panel);
  }
}

// Few rows wait for memory, and take one panel at a time: that is one stream
// from end to end. Two short ones side by side (8 KiB of int4 for 896 inputs)
// gave 17 GB/s on a Zen 4 core, one 33.
template <class L, int kBits>
void linear_codes_part(const LinearPart& part) {
  auto panel = part.first_panel;
  const auto end = part.first_panel + part.panels;
  if (part.rows <= L::kCodeRows) {
    for (; panel < end; ++panel)
      code_rows<L, kBits, 1>(part, 0, part.rows, panel);
    return;
  }
  for (; panel + L::kCodePanels <= end; panel += L::kCodePanels)
    code_panels<L, kBits, L::kCodePanels>(part, panel);
  if constexpr (L::kCodePanels > 1)
    for (; panel < end; ++panel) code_panels<L, kBits, 1>(part, panel);
}

}  // namespace troupe::kernels
