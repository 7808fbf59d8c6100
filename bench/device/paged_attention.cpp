#include <cmath>

#include "bench/device/attended.hpp"
#include "bench/device/sections.hpp"
#include "kernels/attention.hpp"
#include "kernels/numbers.hpp"

namespace troupe::bench {
namespace {

using kernels::Attention;
using kernels::kPageTokens;

constexpr std::int64_t kHeads = 28, kKvHeads = 4, kHeadDim = 128;
// A model's layers follow one another, each with a cache of its own: together
// more than the device's own cache keeps.
constexpr double kLeastRead = 512e6;

struct Shape {
  const char* name;
  std::int64_t sequences, tokens;
  std::optional<double> bar;  // Decoded: of the copy rate.
};
constexpr Shape kDecoded[] = {{"D1.decode.b64.ctx4096", 64, 4'096, 0.88},
                              {"D2.decode.b1.ctx32768", 1, 32'768, {}},
                              {"D2.decode.b1.ctx1024", 1, 1'024, {}},
                              {"D3.decode.b64.ctx512", 64, 512, 0.65}};
constexpr Shape kPrompts[] = {{"A5.prompt.hd128.n2048", 1, 2'048, {}},
                              {"A5.prompt.hd128.n8192", 1, 8'192, {}},
                              {"A5.prompt.hd128.n32768", 1, 32'768, {}}};

/// The caches of several layers, and rows that stand in them: each sequence's
/// last one, or all of them.
class Pages {
 public:
  Pages(Context& ctx, const Shape& shape, bool decode)
      : s_{shape},
        decode_{decode},
        layers_{decode ? std::max(1, static_cast<int>(
                                         std::ceil(kLeastRead / layer_bytes())))
                       : 1},
        keys_{numbers(1)},
        values_{numbers(2)},
        q_{normal_numbers(q_count(), 1, 3)},
        q_there_{put<float>(ctx, q_)},
        y_there_{room(ctx, q_count() * sizeof(float))} {
    for (int i = 0; i < layers_; ++i) {
      keys_there_.push_back(put<std::uint16_t>(ctx, keys_));
      values_there_.push_back(put<std::uint16_t>(ctx, values_));
    }
    std::vector<std::int32_t> table, sequences, positions;
    const auto pages = s_.sequences * pages_of_one();
    for (std::int64_t i = 0; i < pages; ++i)
      table.push_back(static_cast<std::int32_t>(page(i)));
    for (std::int64_t row = 0; row < rows(); ++row) {
      sequences.push_back(static_cast<std::int32_t>(decode_ ? row : 0));
      positions.push_back(
          static_cast<std::int32_t>(decode_ ? s_.tokens - 1 : row));
    }
    table_ = put<std::int32_t>(ctx, table);
    sequences_ = put<std::int32_t>(ctx, sequences);
    positions_ = put<std::int32_t>(ctx, positions);
    scratch_ = room(ctx, std::max<std::size_t>(1, Attention::workspace_bytes(
                                                      ctx.device, args(0))));
    ctx.scratch = {scratch_.data(),
                   Attention::workspace_bytes(ctx.device, args(0))};
  }

  int layers() const { return layers_; }
  double layer_bytes() const {
    return 4.0 *
           static_cast<double>(s_.sequences * s_.tokens * kKvHeads * kHeadDim);
  }
  double prompt_operations() const {
    const auto tokens = static_cast<double>(s_.tokens);
    return 2 * tokens * tokens * static_cast<double>(kHeads * kHeadDim);
  }

  Attention::Args args(int layer) const {
    const auto i = static_cast<std::size_t>(layer % layers_);
    const auto ints = [](const Arena& at) {
      return reinterpret_cast<const std::int32_t*>(at.data());
    };
    const auto floats = [](const Arena& at) {
      return reinterpret_cast<const float*>(at.data());
    };
    return {.y = matrix_ref(floats(y_there_), rows(), kHeads * kHeadDim),
            .q = matrix_ref(floats(q_there_), rows(), kHeads * kHeadDim),
            .pages = {.keys = keys_there_[i].data(),
                      .values = values_there_[i].data(),
                      .dtype = DType::bf16,
                      .pages = s_.sequences * pages_of_one(),
                      .kv_heads = kKvHeads,
                      .head_dim = kHeadDim},
            .at = {.page_table =
                       matrix_ref(ints(table_), s_.sequences, pages_of_one()),
                   .sequences = vector_ref(ints(sequences_), rows()),
                   .positions = vector_ref(ints(positions_), rows())},
            .heads = kHeads,
            .scale = scale(),
            .decode = decode_};
  }

  /// The last head of the last row.
  void check(Context& ctx) const {
    const auto last = static_cast<std::size_t>(rows() * kHeads - 1) * kHeadDim;
    const auto kv = [&](const std::vector<std::uint16_t>& from, std::int64_t t,
                        std::int64_t i) -> double {
      const auto at =
          page((s_.sequences - 1) * pages_of_one() + t / kPageTokens);
      return bf16_to_f32(from[static_cast<std::size_t>(
          ((at * kKvHeads + kKvHeads - 1) * kPageTokens + t % kPageTokens) *
              kHeadDim +
          i)]);
    };
    const auto expected = attended(
        s_.tokens, kHeadDim, scale(),
        [&](auto i) { return double{q_[last + static_cast<std::size_t>(i)]}; },
        [&](auto t, auto i) { return kv(keys_, t, i); },
        [&](auto t, auto i) { return kv(values_, t, i); });
    const auto y =
        brought<float>(ctx, y_there_.data() + last * sizeof(float), kHeadDim);
    expect_row(s_.name, expected, [&](std::size_t i) { return double{y[i]}; });
  }

 private:
  std::int64_t rows() const { return decode_ ? s_.sequences : s_.tokens; }
  std::int64_t pages_of_one() const { return s_.tokens / kPageTokens; }
  std::size_t q_count() const {
    return static_cast<std::size_t>(rows() * kHeads * kHeadDim);
  }
  // Pages of a sequence do not follow one another: 5 and 2^n share no factor.
  std::int64_t page(std::int64_t index) const {
    return index * 5 % (s_.sequences * pages_of_one());
  }
  std::vector<std::uint16_t> numbers(unsigned seed) const {
    return as_bf16(
        normal_numbers(static_cast<std::size_t>(s_.sequences * s_.tokens *
                                                kKvHeads * kHeadDim),
                       1, seed));
  }
  static float scale() { return 1 / std::sqrt(static_cast<float>(kHeadDim)); }

  Shape s_;
  bool decode_;
  int layers_;
  std::vector<std::uint16_t> keys_, values_;
  std::vector<float> q_;
  Arena q_there_, y_there_;
  std::vector<Arena> keys_there_, values_there_;
  Arena table_, sequences_, positions_, scratch_;
};

double timed(Context& ctx, const Pages& pages) {
  need(kernels::attention(ctx, pages.args(0)));
  pages.check(ctx);
  return seconds_on(ctx, std::max(4, pages.layers()), [&](int i) {
    return kernels::attention(ctx, pages.args(i));
  });
}

}  // namespace

void run_paged_attention(Bench& bench) {
  auto ctx = bench.ctx;  // With the scratch of each.
  for (const auto& shape : kPrompts) {
    const Pages pages{ctx, shape, false};
    const auto rate = pages.prompt_operations() / timed(ctx, pages);
    bench.report.add(beside_gemm(bench, shape.name, rate, shape.bar));
  }
  for (const auto& shape : kDecoded) {
    const Pages pages{ctx, shape, true};
    const auto took = timed(ctx, pages);
    bench.report.add({.name = shape.name,
                      .value = took * 1e6,
                      .unit = "us",
                      .limit = pages.layer_bytes() / bench.ceilings.copy * 1e6,
                      .peer = {},
                      .ratio = pages.layer_bytes() / took / bench.ceilings.copy,
                      .bar = shape.bar});
  }
}

}  // namespace troupe::bench
