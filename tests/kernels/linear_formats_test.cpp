// Weights of fewer bits: how they are rounded, and what is computed with them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tuple>
#include <utility>

#include "kernels/linear.hpp"
#include "kernels/numbers.hpp"
#include "tests/kernels/support.hpp"

namespace troupe::kernels {
namespace {

constexpr WeightFormat kRounded[] = {WeightFormat::bf16, WeightFormat::int8,
                                     WeightFormat::int4};

struct Layer {
  Layer(WeightFormat format_, std::int64_t rows_, std::int64_t inputs_,
        std::int64_t outputs_)
      : format{format_},
        rows{rows_},
        inputs{inputs_},
        outputs{outputs_},
        x{random_values(rows * inputs, 11)},
        weight{random_values(outputs * inputs, 12)},
        bias{random_values(outputs, 13)},
        packed(packed_bytes(format, outputs, inputs) / sizeof(float), NAN),
        y(static_cast<std::size_t>(rows * outputs), NAN) {
    // Groups of very different size, and one of zeros.
    for (std::size_t i = 0; i < weight.size(); ++i)
      weight[i] *= i / 32 % 7 == 0 ? 0.f : std::ldexp(1.f, int(i / 32 % 9) - 6);
    pack_rows(packed_weight(), 0, weight);
  }

  PackedWeight packed_weight() {
    return {.data = packed.data(),
            .format = format,
            .outputs = outputs,
            .inputs = inputs};
  }
  Linear::Args args(std::int64_t first, std::int64_t count) {
    return {.y = matrix_ref(y.data() + first * outputs, count, outputs),
            .x = matrix_ref(x.data() + first * inputs, count, inputs),
            .weight = packed_weight(),
            .bias = vector_ref(bias.data(), outputs)};
  }
  std::vector<float> reference() {
    std::vector<float> expected(y.size());
    auto plain = args(0, rows);
    plain.y = matrix_ref(expected.data(), rows, outputs);
    Linear::reference(plain);
    return expected;
  }

  WeightFormat format;
  std::int64_t rows, inputs, outputs;
  std::vector<float> x, weight, bias, packed, y;
};

Status run(TestDevice& device, const Linear::Args& args) {
  device.scratch.resize(Linear::workspace_bytes({}, args));
  device.ctx.scratch = device.scratch;
  return linear(device.ctx, args);
}

void round_to_bf16(std::vector<float>& values) {
  for (auto& value : values) value = bf16_to_f32(f32_to_bf16(value));
}

TEST(PackedFormats, TakeTheBitsTheySay) {
  EXPECT_EQ(packed_bytes(WeightFormat::bf16, 16, 64), 16u * 64 * 2);
  EXPECT_EQ(packed_bytes(WeightFormat::int8, 16, 64) * 8, 16u * 64 * 17 / 2);
  EXPECT_EQ(packed_bytes(WeightFormat::int4, 16, 64) * 8, 16u * 64 * 9 / 2);
  for (const auto format : kRounded)
    EXPECT_EQ(packed_bytes(format, 17, 65) % 64, 0u);
}

TEST(PackedFormats, KeepEveryNumberAsNearAsTheirBitsAllow) {
  for (const auto format : kRounded) {
    Layer layer{format, 1, 100, 37};
    const auto weight = layer.packed_weight();
    for (std::int64_t o = 0; o < 37; ++o)
      for (std::int64_t k = 0; k < 100; ++k) {
        const auto begin = o * 100 + k / 32 * 32;
        const auto end = std::min(begin + 32, (o + 1) * 100);
        float most = 0;
        for (auto i = begin; i < end; ++i)
          most = std::max(most,
                          std::abs(layer.weight[static_cast<std::size_t>(i)]));
        const float exact = layer.weight[static_cast<std::size_t>(o * 100 + k)];
        // Half a step; of int4 the scale moves to what suits all.
        const float allowed =
            format == WeightFormat::bf16
                ? std::abs(exact) / 256
                : most / (format == WeightFormat::int8 ? 250.f : 6.f);
        EXPECT_LE(std::abs(packed_at(weight, o, k) - exact), allowed)
            << to_string(format) << " " << o << " " << k;
      }
  }
}

TEST(PackedFormats, HoldWhatTheyCanHoldExactly) {
  // A magnitude of each format's own: powers of two, and codes' multiples.
  Layer layer{WeightFormat::int8, 1, 32, 1};
  for (int i = 0; i < 32; ++i)
    layer.weight[static_cast<std::size_t>(i)] = float(i * 4 - 127) / 128;
  layer.weight[31] = 127.f / 128;
  pack_rows(layer.packed_weight(), 0, layer.weight);
  for (int i = 0; i < 32; ++i)
    EXPECT_EQ(packed_at(layer.packed_weight(), 0, i),
              layer.weight[static_cast<std::size_t>(i)]);
  Layer small{WeightFormat::int4, 1, 32, 1};
  for (int i = 0; i < 32; ++i)
    small.weight[static_cast<std::size_t>(i)] = float(i % 16 - 8) / 4;
  pack_rows(small.packed_weight(), 0, small.weight);
  for (int i = 0; i < 32; ++i)
    EXPECT_EQ(packed_at(small.packed_weight(), 0, i),
              small.weight[static_cast<std::size_t>(i)]);
}

TEST(PackedFormats, GiveInt4TheScaleOfTheLeastSquaredError) {
  Layer layer{WeightFormat::int4, 1, 32, 64};
  for (std::int64_t o = 0; o < 64; ++o) {
    double slope = 0, squares = 0;  // Of the error, as the scale grows.
    for (std::int64_t k = 0; k < 32; ++k) {
      const double stored = packed_at(layer.packed_weight(), o, k);
      const double exact = layer.weight[static_cast<std::size_t>(o * 32 + k)];
      slope += stored * (stored - exact);
      squares += stored * stored;
    }
    // fp16 keeps a scale within 2^-11.
    EXPECT_LE(std::abs(slope), squares / 2048) << o;
  }
}

TEST(PackedFormats, ANumberThatIsNoneSpoilsItsGroupAlone) {
  for (const auto format : kRounded) {
    Layer layer{format, 1, 70, 2};
    layer.weight[40] = INFINITY;
    pack_rows(layer.packed_weight(), 0, layer.weight);
    EXPECT_FALSE(std::isfinite(packed_at(layer.packed_weight(), 0, 40)));
    EXPECT_TRUE(std::isfinite(packed_at(layer.packed_weight(), 0, 5)));
    EXPECT_TRUE(std::isfinite(packed_at(layer.packed_weight(), 1, 40)));
  }
}

TEST(PackedFormats, SayWhetherAllNumbersAreFinite) {
  for (const auto format : {WeightFormat::f32, WeightFormat::bf16,
                            WeightFormat::int8, WeightFormat::int4}) {
    SCOPED_TRACE(to_string(format));
    Layer layer{format, 1, 70, 17};
    const auto packs = [&] {
      return pack_rows(layer.packed_weight(), 0, layer.weight);
    };
    EXPECT_TRUE(packs());
    for (const std::size_t at : {0, 69, 70 * 17 - 1})
      for (const float broken : {INFINITY, -INFINITY, NAN}) {
        const auto good = std::exchange(layer.weight[at], broken);
        EXPECT_FALSE(packs()) << at << " " << broken;
        layer.weight[at] = good;
      }
    EXPECT_TRUE(packs());
  }
}

// bf16 reaches as far as f32 but for its last step; the scales are fp16.
TEST(PackedFormats, SayWhatIsBeyondThem) {
  const std::tuple<WeightFormat, float, float> bounds[] = {
      {WeightFormat::bf16, 3.389e38f, 3.4e38f},
      {WeightFormat::int8, 8.3e6f, 8.4e6f},
      {WeightFormat::int4, 5.2e5f, 5.3e5f}};
  for (const auto& [format, within, beyond] : bounds) {
    Layer layer{format, 1, 64, 1};
    layer.weight[40] = within;
    EXPECT_TRUE(pack_rows(layer.packed_weight(), 0, layer.weight));
    layer.weight[40] = beyond;
    EXPECT_FALSE(pack_rows(layer.packed_weight(), 0, layer.weight))
        << to_string(format);
  }
}

TEST(LinearFormatsReference, RoundsTheInputsOfCodes) {
  Layer layer{WeightFormat::int8, 1, 32, 1};
  layer.bias = {0};
  std::ranges::fill(layer.weight, 0.f);
  layer.weight[1] = 127.f / 128;
  pack_rows(layer.packed_weight(), 0, layer.weight);
  std::ranges::fill(layer.x, 0.f);
  layer.x[0] = 127;
  layer.x[1] = 1.25f;  // The nearest code is 1.
  EXPECT_EQ(layer.reference(), std::vector<float>{127.f / 128});
}

class LinearFormats
    : public ::testing::TestWithParam<std::tuple<IsaLevel, WeightFormat>> {
 protected:
  IsaLevel level() const { return std::get<0>(GetParam()); }
  WeightFormat format() const { return std::get<1>(GetParam()); }
};

INSTANTIATE_TEST_SUITE_P(
    Levels, LinearFormats,
    ::testing::Combine(::testing::ValuesIn(isa_levels_here()),
                       ::testing::ValuesIn(kRounded)),
    [](const ::testing::TestParamInfo<LinearFormats::ParamType>& param) {
      return std::string(to_string(std::get<0>(param.param))) + "_" +
             std::string(to_string(std::get<1>(param.param)));
    });

TEST_P(LinearFormats, EqualPlainLoops) {
  const std::int64_t shapes[][3] = {
      {1, 1, 1},     {1, 32, 16},    {1, 64, 64},   {2, 3, 17},
      {3, 96, 64},   {4, 33, 65},    {5, 100, 33},  {6, 2048, 48},
      {7, 2049, 47}, {13, 4200, 80}, {97, 40, 129}, {193, 5, 7}};
  for (const auto& [rows, inputs, outputs] : shapes) {
    TestDevice device{level(), 2};
    Layer layer{format(), rows, inputs, outputs};
    ASSERT_TRUE(run(device, layer.args(0, rows)));
    const bool rounds =
        format() == WeightFormat::bf16 && level() == IsaLevel::avx512_bf16;
    if (rounds) round_to_bf16(layer.x);
    const Tolerance allowed{1e-6 + 3e-7 * static_cast<double>(inputs), 2e-6};
    EXPECT_TRUE(computed(layer.y, layer.reference(), layer.x, allowed))
        << rows << " x " << inputs << " -> " << outputs;
  }
}

TEST_P(LinearFormats, GiveARowTheSameBytesInAnyBatchAndTeam) {
  TestDevice one{level(), 1}, three{level(), 3};
  Layer whole{format(), 101, 2300, 90};
  ASSERT_TRUE(run(three, whole.args(0, 101)));
  for (const std::int64_t chunk : {1, 2, 3, 5, 7, 64}) {
    Layer parts{format(), 101, 2300, 90};
    for (std::int64_t row = 0; row < 101; row += chunk)
      ASSERT_TRUE(run(one, parts.args(row, std::min(chunk, 101 - row))));
    EXPECT_TRUE(computed_alike(whole.y, parts.y, whole.x))
        << "chunks of " << chunk;
  }
}

TEST_P(LinearFormats, LetNotANumberThrough) {
  TestDevice device{level()};
  for (const std::size_t input : {5, 35, 69}) {  // A group each.
    Layer layer{format(), 2, 70, 20};
    layer.x[70 + input] = NAN;
    ASSERT_TRUE(run(device, layer.args(0, 2)));
    EXPECT_FALSE(std::isnan(layer.y[19])) << input;
    EXPECT_TRUE(std::isnan(layer.y[20])) << input;
    EXPECT_TRUE(std::isnan(layer.y[39])) << input;
  }
}

TEST_P(LinearFormats, TakeRowsOfZeros) {
  TestDevice device{level()};
  Layer layer{format(), 2, 70, 20};
  std::ranges::fill(layer.x, 0.f);
  ASSERT_TRUE(run(device, layer.args(0, 2)));
  for (std::size_t i = 0; i < layer.y.size(); ++i)
    EXPECT_EQ(layer.y[i], layer.bias[i % 20]);
}

}  // namespace
}  // namespace troupe::kernels
