#include "tests/hopper_shim/shim/products.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <vector>

#include "kernels/numbers.hpp"
#include "tests/hopper_shim/shim/warpgroups.hpp"

namespace troupe::cuda_shim {
namespace {

using Row = std::array<float, 16>;

struct Begun {
  Product product;
  std::array<Row, 2> left{};  // Where it is in registers.
  std::vector<float> sums;    // As they were; empty: another's to come.
  bool closed = false;
};

// Of each thread.
std::map<unsigned, std::vector<Begun>> begun;

float element(std::uint32_t offset) {
  std::uint16_t bits = 0;
  // 128-byte swizzle: bits 4 to 6 of the address, xor bits 7 to 9.
  const auto at = offset ^ ((offset >> 7 & 7) << 4);
  std::memcpy(&bits, shared_bytes(at, 2), 2);
  return bf16_to_f32(bits);
}

struct Descriptor {
  explicit Descriptor(std::uint64_t bits)
      : start{static_cast<std::uint32_t>(bits & 0x3fff) << 4},
        leading{static_cast<std::uint32_t>(bits >> 16 & 0x3fff) << 4},
        stride{static_cast<std::uint32_t>(bits >> 32 & 0x3fff) << 4} {
    if (bits >> 62 != 1 || (bits >> 49 & 7) != 0)
      violate("gives a descriptor without 128-byte swizzle", Site::here());
  }
  /// Along rows: atoms of 8 rows, a stride apart; depth within a row.
  float along_rows(int row, int depth) const {
    const auto r = static_cast<std::uint32_t>(row);
    return element(start + r / 8 * stride + r % 8 * 128 +
                   static_cast<std::uint32_t>(depth) * 2);
  }
  /// Along columns: atoms of 64 columns and 8 deep, a leading stride apart by
  /// columns, a stride by depth.
  float along_columns(int column, int depth) const {
    const auto c = static_cast<std::uint32_t>(column);
    const auto d = static_cast<std::uint32_t>(depth);
    return element(start + c / 64 * leading + d / 8 * stride + d % 8 * 128 +
                   c % 64 * 2);
  }

  std::uint32_t start, leading, stride;
};

/// The rows t / 4 and t / 4 + 8 of the warp's 16, gathered from four lanes.
std::array<Row, 2> gather(const std::array<std::uint32_t, 4>& registers) {
  std::array<Row, 2> rows{};
  const auto first = lane_here() / 4 * 4;
  for (unsigned lane = 0; lane < 4; ++lane)
    for (unsigned r = 0; r < 4; ++r) {
      const auto got =
          static_cast<std::uint32_t>(meet({.what = Together::shuffle,
                                           .mask = ~0u,
                                           .bits = registers[r],
                                           .source = first + lane},
                                          Site::here())
                                         .bits);
      auto* to = &rows[r % 2][r / 2 * 8 + lane * 2];
      to[0] = bf16_to_f32(static_cast<std::uint16_t>(got));
      to[1] = bf16_to_f32(static_cast<std::uint16_t>(got >> 16));
    }
  return rows;
}

void finish(Begun& one) {
  const auto& p = one.product;
  const auto thread = thread_here() % 128;
  const Descriptor right{p.right};
  if (!p.left_in_registers) {
    const Descriptor left{p.left};
    for (unsigned half = 0; half < 2; ++half)
      for (int d = 0; d < 16; ++d)
        one.left[half][static_cast<std::size_t>(d)] = left.along_rows(
            static_cast<int>(thread / 32 * 16 + thread % 32 / 4 + half * 8), d);
  }
  if (!one.sums.empty()) std::ranges::copy(one.sums, p.sums);
  for (int i = 0; i < p.columns / 2; ++i) {
    const int column = i / 4 * 8 + static_cast<int>(thread % 4) * 2 + i % 2;
    const auto& row = one.left[static_cast<std::size_t>(i / 2 % 2)];
    float sum = p.add ? p.sums[i] : 0.f;
    for (int d = 0; d < 16; ++d)
      sum += row[static_cast<std::size_t>(d)] *
             (p.right_along_columns ? right.along_columns(column, d)
                                    : right.along_rows(column, d));
    p.sums[i] = sum;
  }
}

}  // namespace

void forget_products() {
  begun.clear();
}

void begin_product(const Product& product) {
  auto& mine = begun[thread_here()];
  Begun one{.product = product};
  if (product.left_in_registers) one.left = gather(product.registers);
  if (background_products() == Background::at_once) {
    finish(one);
    return;
  }
  const bool waited_for = std::ranges::any_of(mine, [&](const Begun& other) {
    return other.product.sums == product.sums;
  });
  if (!waited_for) {
    one.sums.assign(product.sums, product.sums + product.columns / 2);
    std::fill_n(product.sums, product.columns / 2, NAN);
  }
  mine.push_back(std::move(one));
  mine.back().closed = false;
}

void close_products() {
  auto& mine = begun[thread_here()];
  if (!mine.empty()) mine.back().closed = true;
}

void wait_products(int groups) {
  auto& mine = begun[thread_here()];
  int closed = static_cast<int>(
      std::ranges::count_if(mine, [](const Begun& one) { return one.closed; }));
  if (closed > groups) wait_for_the_others(Site::here());
  auto next = mine.begin();
  while (closed > groups) {
    finish(*next);
    closed -= next->closed;
    ++next;
  }
  mine.erase(mine.begin(), next);
  // A warp waits as one: none goes on while another's are not done.
  meet({.mask = ~0u, .source = lane_here()}, Site::here());
}

}  // namespace troupe::cuda_shim
