// Sequences of random rows, and what attention over them should give.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include "kernels/numbers.hpp"
#include "kernels/sequence_attention.hpp"
#include "tests/kernels/support.hpp"

namespace troupe::kernels {

struct Lengths {
  std::int32_t rows;
  std::int32_t keys;
};

struct HeadsOf {
  std::int64_t heads;
  std::int64_t kv_heads;
  std::int64_t head_dim;
};

/// Aligned as a device's memory.
struct Halves {
  explicit Halves(std::int64_t rows_, std::int64_t dim_)
      : rows{rows_}, dim{dim_}, room(static_cast<std::size_t>(rows * dim) + 8) {
    const auto at = reinterpret_cast<std::uintptr_t>(room.data());
    data = room.data() + (16 - at % 16) % 16 / 2;
  }
  Halves(const Halves&) = delete;
  Halves& operator=(const Halves&) = delete;

  void fill(const std::vector<float>& values) {
    for (std::size_t i = 0; i < values.size(); ++i)
      data[i] = f32_to_bf16(values[i]);
  }
  std::vector<float> floats() const {
    std::vector<float> values(static_cast<std::size_t>(rows * dim));
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = bf16_to_f32(data[i]);
    return values;
  }
  TensorRef ref() const { return {data, DType::bf16, {rows, dim, 1, 1, 1}}; }

  std::int64_t rows, dim;
  std::vector<std::uint16_t> room;
  std::uint16_t* data = nullptr;
};

inline constexpr std::uint16_t kHalfNan = 0x7fff;
inline constexpr std::int64_t kSpareRows = 5;  // Behind the last sequence.

struct SequenceCase {
  SequenceCase(const HeadsOf& of, const std::vector<Lengths>& lengths,
               bool causal_, float sharpness = 1.f)
      : shape{of},
        causal{causal_},
        q_starts{0},
        kv_starts{0},
        q{total(lengths, &Lengths::rows), of.heads * of.head_dim},
        k{total(lengths, &Lengths::keys), of.kv_heads * of.head_dim},
        v{k.rows, k.dim},
        y{q.rows, q.dim} {
    for (const auto& length : lengths) {
      q_starts.push_back(q_starts.back() + length.rows);
      kv_starts.push_back(kv_starts.back() + length.keys);
    }
    scale = sharpness / std::sqrt(static_cast<float>(of.head_dim));
    for (auto* tensor : {&q, &k, &v, &y})
      tensor->room.assign(tensor->room.size(), kHalfNan);
    q.fill(random_values(q_starts.back() * q.dim, 1));
    k.fill(random_values(kv_starts.back() * k.dim, 2));
    v.fill(random_values(kv_starts.back() * v.dim, 3));
  }

  static std::int64_t total(const std::vector<Lengths>& lengths,
                            std::int32_t Lengths::*what) {
    std::int64_t sum = kSpareRows;
    for (const auto& length : lengths) sum += length.*what;
    return sum;
  }

  SequenceAttention::Args args(const Halves& to) const {
    return {.y = to.ref(),
            .q = q.ref(),
            .k = k.ref(),
            .v = v.ref(),
            .q_starts = vector_ref(q_starts.data(),
                                   static_cast<std::int64_t>(q_starts.size())),
            .kv_starts = vector_ref(
                kv_starts.data(), static_cast<std::int64_t>(kv_starts.size())),
            .heads = shape.heads,
            .kv_heads = shape.kv_heads,
            .head_dim = shape.head_dim,
            .causal = causal,
            .scale = scale};
  }

  /// Of the rows of the sequences, without what lies behind them.
  std::vector<float> used(const Halves& of) const {
    auto values = of.floats();
    values.resize(static_cast<std::size_t>(q_starts.back() * of.dim));
    return values;
  }
  std::vector<float> expected() const {
    Halves to{y.rows, y.dim};
    SequenceAttention::reference(args(to));
    return used(to);
  }
  bool spared_the_rest() const {
    for (auto i = q_starts.back() * y.dim; i < y.rows * y.dim; ++i)
      if (y.data[i] != kHalfNan) return false;
    return true;
  }

  HeadsOf shape;
  bool causal;
  float scale = 1;
  std::vector<std::int32_t> q_starts, kv_starts;
  Halves q, k, v, y;
};

}  // namespace troupe::kernels
