#include "kernels/sequence_attention.hpp"

#include <cmath>
#include <optional>

#include "bench/device/attended.hpp"
#include "bench/device/sections.hpp"
#include "kernels/numbers.hpp"

namespace troupe::bench {
namespace {

struct Shape {
  const char* name;
  std::int64_t sequences, tokens, heads, kv_heads, head_dim;
  bool causal;
  std::optional<double> bar;  // Of the GEMM rate.
};

// In the order of the rows A1, A3 and A5.
constexpr Shape kShapes[] = {
    {"A1.full.hd128.n32760", 1, 32'760, 12, 12, 128, false, 0.78},
    {"A3.full.hd64.n4096", 2, 4'096, 10, 10, 64, false, {}},
    {"A3.full.hd64.n1024", 2, 1'024, 20, 20, 64, false, {}},
    {"A5.causal.hd128.n2048", 1, 2'048, 28, 4, 128, true, {}},
    {"A5.causal.hd128.n8192", 1, 8'192, 28, 4, 128, true, {}},
    {"A5.causal.hd128.n32768", 1, 32'768, 28, 4, 128, true, {}}};

/// Queries, keys and values of one shape.
class Sequences {
 public:
  Sequences(Context& ctx, const Shape& shape)
      : s_{shape},
        q_{numbers(shape.heads, 1)},
        k_{numbers(shape.kv_heads, 2)},
        v_{numbers(shape.kv_heads, 3)},
        q_there_{put<std::uint16_t>(ctx, q_)},
        k_there_{put<std::uint16_t>(ctx, k_)},
        v_there_{put<std::uint16_t>(ctx, v_)},
        y_there_{room(ctx, q_.size() * 2)} {
    std::vector<std::int32_t> starts;
    for (std::int64_t i = 0; i <= s_.sequences; ++i)
      starts.push_back(static_cast<std::int32_t>(i * s_.tokens));
    starts_ = put<std::int32_t>(ctx, starts);
  }

  kernels::SequenceAttention::Args args() const {
    const auto starts =
        vector_ref(reinterpret_cast<const std::int32_t*>(starts_.data()),
                   s_.sequences + 1);
    return {.y = tensor(y_there_, s_.heads),
            .q = tensor(q_there_, s_.heads),
            .k = tensor(k_there_, s_.kv_heads),
            .v = tensor(v_there_, s_.kv_heads),
            .q_starts = starts,
            .kv_starts = starts,
            .heads = s_.heads,
            .kv_heads = s_.kv_heads,
            .head_dim = s_.head_dim,
            .causal = s_.causal,
            .scale = scale()};
  }

  double operations() const {
    const auto pairs = static_cast<double>(s_.sequences) *
                       static_cast<double>(s_.tokens) *
                       static_cast<double>(s_.tokens);
    return 4 * pairs * static_cast<double>(s_.heads * s_.head_dim) *
           (s_.causal ? 0.5 : 1);
  }

  /// The last head's row in the middle of the last sequence.
  void check(Context& ctx) const {
    const auto row = s_.sequences * s_.tokens - s_.tokens / 2;
    const auto begin = (s_.sequences - 1) * s_.tokens;
    const auto head = s_.heads - 1;
    const auto kv_head = s_.kv_heads - 1;
    const auto at = [&](const std::vector<std::uint16_t>& from,
                        std::int64_t heads, std::int64_t token, std::int64_t of,
                        std::int64_t i) -> double {
      return bf16_to_f32(from[static_cast<std::size_t>(
          (token * heads + of) * s_.head_dim + i)]);
    };
    const auto expected = attended(
        s_.causal ? row - begin + 1 : s_.tokens, s_.head_dim, scale(),
        [&](auto i) { return at(q_, s_.heads, row, head, i); },
        [&](auto t, auto i) {
          return at(k_, s_.kv_heads, begin + t, kv_head, i);
        },
        [&](auto t, auto i) {
          return at(v_, s_.kv_heads, begin + t, kv_head, i);
        });
    const auto y = brought<std::uint16_t>(
        ctx, y_there_.data() + (row * s_.heads + head) * s_.head_dim * 2,
        static_cast<std::size_t>(s_.head_dim));
    expect_row(s_.name, expected,
               [&](std::size_t i) { return double{bf16_to_f32(y[i])}; });
  }

 private:
  std::vector<std::uint16_t> numbers(std::int64_t heads, unsigned seed) const {
    return as_bf16(
        normal_numbers(static_cast<std::size_t>(s_.sequences * s_.tokens *
                                                heads * s_.head_dim),
                       1, seed));
  }
  TensorRef tensor(const Arena& at, std::int64_t heads) const {
    return {.data = at.data(),
            .dtype = DType::bf16,
            .shape = {s_.sequences * s_.tokens, heads * s_.head_dim, 1, 1, 1}};
  }
  float scale() const { return 1 / std::sqrt(static_cast<float>(s_.head_dim)); }

  Shape s_;
  std::vector<std::uint16_t> q_, k_, v_;
  Arena q_there_, k_there_, v_there_, y_there_, starts_;
};

}  // namespace

void run_sequence_attention(Bench& bench) {
  for (const auto& shape : kShapes) {
    if (!bench.hopper) {
      leave_out(shape.name,
                "attention without a cache is Hopper's alone; on a device of "
                "compute capability 9.0 say --hopper");
      continue;
    }
    const Sequences one{bench.ctx, shape};
    need(kernels::sequence_attention(bench.ctx, one.args()));
    one.check(bench.ctx);
    const auto took = seconds_on(bench.ctx, 4, [&](int) {
      return kernels::sequence_attention(bench.ctx, one.args());
    });
    const auto rate = one.operations() / took;
    bench.report.add(beside_gemm(bench, shape.name, rate, shape.bar));
  }
}

}  // namespace troupe::bench
