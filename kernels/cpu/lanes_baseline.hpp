// Sixteen floats in plain vectors of four, for any processor: SSE2 on x86-64.
#pragma once

#include <cstdint>

namespace troupe::kernels {

struct BaselineLanes {
  using Four = float __attribute__((vector_size(16)));
  using FourInts = std::uint32_t __attribute__((vector_size(16)));
  using Unaligned = float __attribute__((vector_size(16), aligned(4)));
  struct V {
    Four part[4];
  };

  // Tile of a linear layer: 8 of 16 registers hold sums.
  static constexpr int kRows = 2;
  static constexpr int kPanels = 1;

  template <class F>
  static V each(F f) {
    return {{f(0), f(1), f(2), f(3)}};
  }

  static V load(const float* from) {
    return each([&](int i) -> Four {
      return *reinterpret_cast<const Unaligned*>(from + 4 * i);
    });
  }
  static void store(float* to, V v) {
    for (int i = 0; i < 4; ++i)
      *reinterpret_cast<Unaligned*>(to + 4 * i) = v.part[i];
  }
  static V all(float x) {
    return each([&](int) { return Four{x, x, x, x}; });
  }
  static V add(V a, V b) {
    return each([&](int i) { return a.part[i] + b.part[i]; });
  }
  static V sub(V a, V b) {
    return each([&](int i) { return a.part[i] - b.part[i]; });
  }
  static V mul(V a, V b) {
    return each([&](int i) { return a.part[i] * b.part[i]; });
  }
  static V div(V a, V b) {
    return each([&](int i) { return a.part[i] / b.part[i]; });
  }
  /// a * b + c, rounded twice here and once at the other levels.
  static V fma(V a, V b, V c) {
    return each([&](int i) { return a.part[i] * b.part[i] + c.part[i]; });
  }
  /// Where either is NaN: b.
  static V min(V a, V b) {
    return each(
        [&](int i) { return a.part[i] < b.part[i] ? a.part[i] : b.part[i]; });
  }
  static V max(V a, V b) {
    return each(
        [&](int i) { return a.part[i] > b.part[i] ? a.part[i] : b.part[i]; });
  }
  /// 2^n, where `n` + kRoundingMagic (math.hpp) is given. n of [-126, 127].
  static V power_of_two(V shifted) {
    return each([&](int i) {
      const auto bits = reinterpret_cast<FourInts>(shifted.part[i]);
      return reinterpret_cast<Four>((bits + 127) << 23);
    });
  }
};

}  // namespace troupe::kernels
