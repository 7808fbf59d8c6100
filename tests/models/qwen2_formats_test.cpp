// The forward pass with weights of fewer bits: near what transformers computes
// in fp32, and the same bytes in any chunk and team.
#include <gtest/gtest.h>

#include <cstring>
#include <tuple>

#include "tests/models/closeness.hpp"
#include "tests/models/qwen2_golden.hpp"

namespace troupe {
namespace {

using kernels::WeightFormat;
using FormatCase = std::tuple<const char*, IsaLevel, WeightFormat>;

class Qwen2FormatsTest : public ::testing::TestWithParam<FormatCase> {
 protected:
  Qwen2Bench bench(int threads = 1) {
    return {golden_.weights, std::get<IsaLevel>(GetParam()), threads};
  }
  WeightFormat format() const { return std::get<WeightFormat>(GetParam()); }

  GoldenQwen2 golden_{std::get<const char*>(GetParam()),
                      std::get<WeightFormat>(GetParam())};
};

INSTANTIATE_TEST_SUITE_P(
    Models, Qwen2FormatsTest,
    ::testing::Combine(::testing::Values("gqa_tied", "mha_untied",
                                         "head128_sharded"),
                       ::testing::ValuesIn(isa_levels_here()),
                       ::testing::Values(WeightFormat::bf16, WeightFormat::int8,
                                         WeightFormat::int4)),
    [](const ::testing::TestParamInfo<FormatCase>& info) {
      return std::string(std::get<const char*>(info.param)) + "_" +
             std::string(to_string(std::get<IsaLevel>(info.param))) + "_" +
             std::string(to_string(std::get<WeightFormat>(info.param)));
    });

/// What a forward pass over the prompt and its greedy tokens gave.
struct Pass {
  /// Of block `i`.
  const std::vector<float>& input_of(std::size_t i) const {
    return i == 0 ? embedded : blocks[i - 1];
  }

  std::vector<float> embedded;
  std::vector<std::vector<float>> blocks;
  std::vector<float> logits;
};

Pass run(const GoldenQwen2& golden, IsaLevel isa) {
  Qwen2Bench bench{golden.weights, isa, 1};
  Pass pass;
  pass.blocks.resize(static_cast<std::size_t>(golden.weights.config.layers));
  bench.observer = [&](std::int64_t layer, std::span<const float> hidden) {
    auto& all = pass.blocks[static_cast<std::size_t>(layer)];
    all.insert(all.end(), hidden.begin(), hidden.end());
  };
  auto tokens = golden.prompt;
  tokens.insert(tokens.end(), golden.greedy.begin(), golden.greedy.end());
  pass.embedded = golden.embedded(tokens);
  pass.logits = bench.prefill(bench.open(), tokens, 64);
  return pass;
}

// What rounded.json says of another rounding of the same weights.
Json peer_of(const GoldenQwen2& golden, const char* name) {
  return read_lines(golden.dir / "expected" / "rounded.json").at(0).at(name);
}

/// Rows whose likeliest token differs although it leads by more than `lead`.
int lost_leads(const std::vector<float>& exact, const std::vector<float>& other,
               std::size_t width, double lead) {
  int lost = 0;
  for (std::size_t at = 0; at < exact.size(); at += width) {
    const auto row = std::span{exact}.subspan(at, width);
    const auto best = std::ranges::max_element(row) - row.begin();
    bool leads = true;
    for (std::size_t i = 0; i < width; ++i)
      leads = leads && (static_cast<std::ptrdiff_t>(i) == best ||
                        row[static_cast<std::size_t>(best)] - row[i] > lead);
    const auto same = std::span{other}.subspan(at, width);
    lost += leads && std::ranges::max_element(same) - same.begin() != best;
  }
  return lost;
}

TEST_P(Qwen2FormatsTest, StayAsNearToFp32AsTheBestPeer) {
  const GoldenQwen2 exact_weights{std::get<const char*>(GetParam())};
  const auto isa = std::get<IsaLevel>(GetParam());
  const auto width =
      static_cast<std::size_t>(exact_weights.weights.config.vocabulary_rows);
  const auto exact = run(exact_weights, isa);
  const auto ours = run(golden_, isa);
  const bool is_bf16 = format() == WeightFormat::bf16;
  const double allowed = is_bf16 ? 1.2 : 1.05;
  const auto peer = peer_of(golden_, is_bf16                          ? "bf16"
                                     : format() == WeightFormat::int8 ? "q8_0"
                                                                      : "q4_0");
  for (std::size_t i = 0; i < exact.blocks.size(); ++i) {
    const auto passes = [&](const std::vector<float>& block) {
      return relative_error(block, exact.blocks[i]) <=
             allowed * peer.at("blocks").at(i).get<double>();
    };
    EXPECT_TRUE(passes(ours.blocks[i])) << i;
    EXPECT_TRUE(tells_apart(exact.blocks[i], exact.input_of(i), passes)) << i;
  }
  const auto is_near = [&](const std::vector<float>& logits) {
    return divergence(exact.logits, logits, width) <=
           allowed * peer.at("divergence").get<double>();
  };
  EXPECT_TRUE(is_near(ours.logits));
  EXPECT_TRUE(tells_apart(exact.logits, exact.blocks.back(), is_near));
  if (!is_bf16) return;
  for (std::size_t i = 0; i < exact.blocks.size(); ++i) {
    const auto is_along = [&](const std::vector<float>& block) {
      return cosine(block, exact.blocks[i]) >= 0.9995;
    };
    EXPECT_TRUE(is_along(ours.blocks[i])) << i;
    EXPECT_TRUE(tells_apart(exact.blocks[i], exact.input_of(i), is_along)) << i;
  }
  EXPECT_LE(divergence(exact.logits, ours.logits, width), 1e-3);
  EXPECT_LE(relative_error(ours.logits, exact.logits),
            allowed * peer.at("logits").get<double>());
  EXPECT_EQ(lost_leads(exact.logits, ours.logits, width,
                       4 * peer.at("logit_rms").get<double>()),
            0);
}

// Otherwise the comparison would be of fp32 with itself. What is stored in
// bf16 is exact in it, wherever the inputs are not rounded, too.
TEST_P(Qwen2FormatsTest, RoundTheNumbers) {
  const GoldenQwen2 exact{std::get<const char*>(GetParam())};
  const auto isa = std::get<IsaLevel>(GetParam());
  const auto error =
      relative_error(run(golden_, isa).logits, run(exact, isa).logits);
  const bool stored =
      std::string{std::get<const char*>(GetParam())} == "gqa_tied" &&
      format() == WeightFormat::bf16 && isa != IsaLevel::avx512_bf16;
  EXPECT_EQ(error > 1e-5, !stored) << error;
}

// llama.cpp's q8_0 takes 34 bytes for 32 weights, its q4_0 18; with rows of
// 896, the tied head of a q4_0 file is q8_0.
TEST(Qwen2Formats, TakeNoMoreBitsThanLlamaCppDoes) {
  Qwen2Config c{.vocabulary_rows = 151'936,
                .hidden = 896,
                .intermediate = 4864,
                .layers = 24,
                .heads = 14,
                .kv_heads = 2,
                .head_dim = 64};
  c.tied_head = true;
  const auto head = static_cast<std::uint64_t>(c.vocabulary_rows * c.hidden);
  const auto body = static_cast<std::uint64_t>(
      c.layers * c.hidden *
      (2 * c.q_width() + 2 * c.kv_width() + 3 * c.intermediate));
  const auto plain = static_cast<std::uint64_t>(
      c.layers * (2 * c.hidden + c.q_width() + 2 * c.kv_width()) + c.hidden);
  EXPECT_LE(qwen2_weight_bytes(c, WeightFormat::int8),
            (head + body) / 32 * 34 + plain * 4);
  EXPECT_LE(qwen2_weight_bytes(c, WeightFormat::int4),
            head / 32 * 34 + body / 32 * 18 + plain * 4);
}

TEST_P(Qwen2FormatsTest, GiveTheSameBytesInAnyChunkAndTeam) {
  auto model = bench();
  const auto whole = model.prefill(model.open(), golden_.prompt, 64);
  for (const std::size_t chunk : {1, 3, 17}) {
    auto other = bench(static_cast<int>(1 + chunk % 3));
    const auto again = other.prefill(other.open(), golden_.prompt, chunk);
    ASSERT_EQ(whole.size(), again.size());
    EXPECT_EQ(
        std::memcmp(whole.data(), again.data(), whole.size() * sizeof(float)),
        0)
        << "chunks of " << chunk;
  }
}

}  // namespace
}  // namespace troupe
