// Sixteen floats in plain vectors of four, for any processor: SSE2 on x86-64.
#pragma once

#include <cstdint>

namespace troupe::kernels {

struct BaselineLanes {
  using Four = float __attribute__((vector_size(16)));
  using FourInts = std::uint32_t __attribute__((vector_size(16)));
  using UnalignedInts =
      std::uint32_t __attribute__((vector_size(16), aligned(4)));
  using Unaligned = float __attribute__((vector_size(16), aligned(4)));
  struct V {
    Four part[4];
  };

  // Tile of a linear layer: 8 of 16 registers hold sums.
  static constexpr int kRows = 2;
  static constexpr int kPanels = 1;
  static constexpr int kCodeRows = 1;
  static constexpr int kCodePanels = 1;

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

  // -- pairs of inputs, weights of bf16 ---------------------------------------

  struct Pair {
    float even;
    float odd;
  };
  struct Pairs {
    V even;
    V odd;
  };
  static Pair pair(float even, float odd) { return {even, odd}; }
  static Pairs load_pairs(const std::uint32_t* from) {
    const auto part = [&](int i) {
      return *reinterpret_cast<const UnalignedInts*>(from + 4 * i);
    };
    return {each([&](int i) { return reinterpret_cast<Four>(part(i) << 16); }),
            each([&](int i) {
              return reinterpret_cast<Four>(part(i) & 0xffff0000u);
            })};
  }
  static V add_products(V sum, const Pairs& w, const Pair& x) {
    return fma(all(x.odd), w.odd, fma(all(x.even), w.even, sum));
  }

  // -- fours of inputs, weights of 8 and 4 bits -------------------------------

  struct I {
    std::int32_t lane[16];
  };
  struct Bytes {
    unsigned char byte[64];
  };
  struct Fours {
    signed char input[4];
  };
  static I all_int(std::int32_t x) {
    I all;
    for (auto& lane : all.lane) lane = x;
    return all;
  }
  static V to_floats(const I& x) {
    alignas(16) float lane[16];
    for (int i = 0; i < 16; ++i) lane[i] = static_cast<float>(x.lane[i]);
    return load(lane);
  }
  static Bytes load_bytes(const unsigned char* from) {
    Bytes bytes;
    __builtin_memcpy(bytes.byte, from, sizeof bytes.byte);
    return bytes;
  }
  static Bytes low_halves(Bytes x) {
    for (auto& byte : x.byte) byte &= 15;
    return x;
  }
  static Bytes high_halves(Bytes x) {
    for (auto& byte : x.byte) byte >>= 4;
    return x;
  }
  static Fours four_inputs(std::int32_t bytes) {
    Fours four;
    __builtin_memcpy(four.input, &bytes, 4);
    return four;
  }
  /// Each lane adds its four (unsigned) bytes times the four inputs.
  static I add_dots(I sum, const Bytes& w, const Fours& x) {
    for (int i = 0; i < 16; ++i)
      for (int j = 0; j < 4; ++j) sum.lane[i] += w.byte[4 * i + j] * x.input[j];
    return sum;
  }
  /// The highest lane, where none is NaN.
  static float highest(V v) {
    float most = v.part[0][0];
    for (int i = 1; i < 16; ++i)
      if (v.part[i / 4][i % 4] > most) most = v.part[i / 4][i % 4];
    return most;
  }
  /// Stores whole numbers of [-127, 127]; their sum.
  static std::int32_t store_codes(signed char* to, V v) {
    std::int32_t sum = 0;
    for (int i = 0; i < 16; ++i) {
      const auto code = static_cast<std::int32_t>(v.part[i / 4][i % 4]);
      to[i] = static_cast<signed char>(code);
      sum += code;
    }
    return sum;
  }
  /// Sixteen numbers of fp16: their exponent and mantissa, moved to where
  /// those of a float are, are 2^112 too small, subnormal ones too.
  static V load_halves(const unsigned char* from) {
    alignas(16) float lane[16];
    for (int i = 0; i < 16; ++i) {
      std::uint16_t half;
      __builtin_memcpy(&half, from + 2 * i, 2);
      const std::uint32_t magnitude = half & 0x7fffu;
      std::uint32_t bits = magnitude << 13;
      if (magnitude >= 0x7c00) bits |= 0x7f800000;
      float x;
      __builtin_memcpy(&x, &bits, 4);
      if (magnitude < 0x7c00) x *= 0x1p112f;
      lane[i] = half & 0x8000u ? -x : x;
    }
    return load(lane);
  }
};

}  // namespace troupe::kernels
