#include "kernels/linear.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "tests/kernels/support.hpp"

namespace troupe::kernels {
namespace {

struct LinearCase {
  LinearCase(std::int64_t rows_, std::int64_t inputs_, std::int64_t outputs_,
             WeightFormat format_ = WeightFormat::f32)
      : format{format_},
        rows{rows_},
        inputs{inputs_},
        outputs{outputs_},
        x{random_values(rows * inputs, 1)},
        weight{random_values(outputs * inputs, 2)},
        bias{random_values(outputs, 3)},
        packed(packed_bytes(format, outputs, inputs) / sizeof(float), NAN),
        y(static_cast<std::size_t>(rows * outputs)) {
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
  // From the rows as they were before packing.
  std::vector<float> expected() const {
    std::vector<float> sums;
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t o = 0; o < outputs; ++o) {
        double sum = bias[static_cast<std::size_t>(o)];
        for (std::int64_t k = 0; k < inputs; ++k)
          sum += double{x[static_cast<std::size_t>(r * inputs + k)]} *
                 weight[static_cast<std::size_t>(o * inputs + k)];
        sums.push_back(static_cast<float>(sum));
      }
    return sums;
  }
  // A chain of n sums of about sqrt(n) each loses some n * 2^-24 at worst.
  Tolerance allowed() const {
    return {1e-6 + 1e-7 * static_cast<double>(inputs), 1e-6};
  }

  WeightFormat format;
  std::int64_t rows, inputs, outputs;
  std::vector<float> x, weight, bias, packed, y;
};

/// Random a and b, unpacked and packed.
struct AdapterCase {
  AdapterCase(std::int64_t rank, std::int64_t inputs, std::int64_t outputs,
              float scale, unsigned seed)
      : low{random_values(rank * inputs, seed)},
        high{random_values(outputs * rank, seed + 100)},
        packed_low(packed_bytes(WeightFormat::f32, rank, inputs) /
                   sizeof(float)),
        packed_high(packed_bytes(WeightFormat::f32, outputs, rank) /
                    sizeof(float)),
        adapter{
            .a = {.data = packed_low.data(), .outputs = rank, .inputs = inputs},
            .b = {.data = packed_high.data(),
                  .outputs = outputs,
                  .inputs = rank},
            .scale = scale} {
    pack_rows(adapter.a, 0, low);
    pack_rows(adapter.b, 0, high);
  }
  AdapterCase(const AdapterCase&) = delete;
  AdapterCase& operator=(const AdapterCase&) = delete;

  // scale * b (a x), row by row.
  std::vector<float> product(const std::vector<float>& x) const {
    const auto rank = adapter.a.outputs, inputs = adapter.a.inputs,
               outputs = adapter.b.outputs;
    std::vector<float> all;
    for (auto row = x.begin(); row != x.end(); row += inputs)
      for (std::int64_t o = 0; o < outputs; ++o) {
        double sum = 0;
        for (std::int64_t i = 0; i < rank; ++i)
          sum += double{high[static_cast<std::size_t>(o * rank + i)]} *
                 std::inner_product(row, row + inputs, low.begin() + i * inputs,
                                    0.0);
        all.push_back(static_cast<float>(adapter.scale * sum));
      }
    return all;
  }

  std::vector<float> low, high, packed_low, packed_high;
  Adapter adapter;
};

TEST(PackRows, PutsOutputsSideBySideAndPadsWithZeros) {
  std::vector<float> rows(17 * 2);
  for (std::size_t i = 0; i < rows.size(); ++i)
    rows[i] = static_cast<float>(i + 1);
  std::vector<float> data(
      packed_bytes(WeightFormat::f32, 17, 2) / sizeof(float), -1);
  ASSERT_EQ(data.size(), 64u);
  const PackedWeight weight{.data = data.data(), .outputs = 17, .inputs = 2};
  pack_rows(weight, 0, std::span{rows}.first(2 * 5));
  pack_rows(weight, 5, std::span{rows}.subspan(2 * 5));
  EXPECT_EQ(data[0], 1);    // output 0, input 0
  EXPECT_EQ(data[1], 3);    // output 1, input 0
  EXPECT_EQ(data[16], 2);   // output 0, input 1
  EXPECT_EQ(data[32], 33);  // output 16, input 0
  EXPECT_EQ(data[48], 34);  // output 16, input 1
  EXPECT_EQ(data[33], 0);   // padding
  EXPECT_EQ(data[63], 0);
  EXPECT_EQ(packed_at(weight, 16, 1), 34);
  EXPECT_EQ(packed_at(weight, 3, 1), 8);
}

TEST(LinearReference, MatchesAHandComputedRow) {
  LinearCase some{1, 2, 2};
  some.x = {2, 3};
  some.bias = {10, 20};
  pack_rows(some.packed_weight(), 0, std::vector<float>{1, 4, -1, 0.5f});
  Linear::reference(some.args(0, 1));
  EXPECT_EQ(some.y, (std::vector<float>{24, 19.5f}));
}

TEST(LinearReference, EqualsPlainLoopsOverTheUnpackedRows) {
  LinearCase some{3, 70, 37};
  Linear::reference(some.args(0, 3));
  EXPECT_TRUE(computed(some.y, some.expected(), some.x, {0, 1e-7}));
}

using LinearLevels = EachLevel;
TROUPE_EACH_LEVEL(LinearLevels);

// With just the scratch that it asks for, which begins as NaN.
Status linear_of(TestDevice& device, const Linear::Args& args) {
  device.scratch.assign(Linear::workspace_bytes(device.ctx.device, args),
                        std::byte{0xff});
  device.ctx.scratch = device.scratch;
  return linear(device.ctx, args);
}

TEST_P(LinearLevels, EqualPlainLoops) {
  const std::int64_t shapes[][3] = {
      {0, 8, 8},     {1, 1, 1},      {1, 64, 16},   {2, 3, 17},
      {3, 16, 64},   {4, 33, 65},    {5, 100, 33},  {6, 1024, 48},
      {7, 1025, 47}, {13, 2049, 80}, {97, 40, 129}, {193, 5, 7}};
  for (const auto& [rows, inputs, outputs] : shapes) {
    TestDevice device{GetParam(), 2};
    LinearCase some{rows, inputs, outputs};
    ASSERT_TRUE(linear(device.ctx, some.args(0, rows)));
    EXPECT_TRUE(computed(some.y, some.expected(), some.x, some.allowed()))
        << rows << " x " << inputs << " -> " << outputs;
  }
}

TEST_P(LinearLevels, GoWithoutABias) {
  TestDevice device{GetParam()};
  LinearCase some{3, 50, 40};
  auto args = some.args(0, 3);
  args.bias = {};
  ASSERT_TRUE(linear(device.ctx, args));
  std::ranges::fill(some.bias, 0.f);
  EXPECT_TRUE(computed(some.y, some.expected(), some.x, some.allowed()));
}

TEST_P(LinearLevels, GiveARowTheSameBytesInAnyBatchAndTeam) {
  TestDevice one{GetParam(), 1}, three{GetParam(), 3};
  LinearCase whole{101, 1500, 90};
  ASSERT_TRUE(linear(three.ctx, whole.args(0, 101)));
  for (const std::int64_t chunk : {1, 2, 3, 5, 7, 64}) {
    LinearCase parts{101, 1500, 90};
    for (std::int64_t row = 0; row < 101; row += chunk)
      ASSERT_TRUE(linear(one.ctx, parts.args(row, std::min(chunk, 101 - row))));
    EXPECT_TRUE(computed_alike(whole.y, parts.y, whole.x))
        << "chunks of " << chunk;
  }
}

TEST_P(LinearLevels, LetNotANumberThrough) {
  TestDevice device{GetParam()};
  LinearCase some{2, 20, 20};
  some.x[25] = NAN;
  ASSERT_TRUE(linear(device.ctx, some.args(0, 2)));
  EXPECT_FALSE(std::isnan(some.y[19]));
  EXPECT_TRUE(std::isnan(some.y[20]));
  EXPECT_TRUE(std::isnan(some.y[39]));
}

TEST_P(LinearLevels, AddAdaptersBesideTheStoredWeight) {
  for (const auto format : {WeightFormat::f32, WeightFormat::bf16,
                            WeightFormat::int8, WeightFormat::int4})
    for (const std::int64_t rows : {1, 5, 98}) {
      TestDevice device{GetParam(), 2};
      LinearCase some{rows, 70, 37, format};
      AdapterCase four{4, 70, 37, 0.5f, 11}, one{1, 70, 37, -2, 12};
      const Adapter adapters[] = {four.adapter, one.adapter};
      ASSERT_TRUE(linear_of(device, some.args(0, rows)));
      const auto without = some.y;
      auto args = some.args(0, rows);
      args.adapters = adapters;
      ASSERT_TRUE(linear_of(device, args));
      auto expected = four.product(some.x);
      const auto more = one.product(some.x);
      for (std::size_t i = 0; i < expected.size(); ++i) expected[i] += more[i];
      for (std::size_t i = 0; i < some.y.size(); ++i) some.y[i] -= without[i];
      EXPECT_TRUE(computed(some.y, expected, some.x, {2e-4, 1e-5}))
          << to_string(format) << ", " << rows << " rows";
    }
}

TEST_P(LinearLevels, GiveARowWithAdaptersTheSameBytesInAnyBatch) {
  TestDevice one{GetParam(), 1}, three{GetParam(), 3};
  AdapterCase some{16, 300, 90, 1.5f, 21};
  LinearCase whole{40, 300, 90}, parts{40, 300, 90};
  auto args = whole.args(0, 40);
  args.adapters = {&some.adapter, 1};
  ASSERT_TRUE(linear_of(three, args));
  for (std::int64_t row = 0; row < 40; row += 7) {
    auto chunk = parts.args(row, std::min<std::int64_t>(7, 40 - row));
    chunk.adapters = args.adapters;
    ASSERT_TRUE(linear_of(one, chunk));
  }
  EXPECT_TRUE(computed_alike(whole.y, parts.y, whole.x));
}

TEST(LinearReference, AddsAdaptersByHand) {
  LinearCase some{1, 2, 2};
  some.x = {2, 3};
  some.bias = {10, 20};
  pack_rows(some.packed_weight(), 0, std::vector<float>{1, 4, -1, 0.5f});
  AdapterCase low{1, 2, 2, 0.5f, 1};
  pack_rows(low.adapter.a, 0, std::vector<float>{1, -1});
  pack_rows(low.adapter.b, 0, std::vector<float>{4, 6});
  auto args = some.args(0, 1);
  args.adapters = {&low.adapter, 1};
  Linear::reference(args);
  // a x = 2 - 3 = -1; 0.5 * b * -1 = {-2, -3}.
  EXPECT_EQ(some.y, (std::vector<float>{22, 16.5f}));
}

TEST(LinearSupports, AdaptersThatFitAndNoOthers) {
  LinearCase some{2, 6, 5};
  AdapterCase good{3, 6, 5, 1, 1};
  auto args = some.args(0, 2);
  const auto refuses = [&](const Adapter& adapter) {
    args.adapters = {&adapter, 1};
    return !Linear::supports({}, args);
  };
  EXPECT_FALSE(refuses(good.adapter));
  auto other = good.adapter;
  other.a.inputs = 7;
  EXPECT_TRUE(refuses(other));
  other = good.adapter;
  other.b.outputs = 4;
  EXPECT_TRUE(refuses(other));
  other = good.adapter;
  other.b.inputs = 2;
  EXPECT_TRUE(refuses(other));
  other = good.adapter;
  other.a.format = WeightFormat::bf16;
  EXPECT_TRUE(refuses(other));
  other = good.adapter;
  other.scale = INFINITY;
  EXPECT_TRUE(refuses(other));
  other = good.adapter;
  other.a.outputs = other.b.inputs = kMaxAdapterRank + 1;
  EXPECT_TRUE(refuses(other));
  const std::vector<Adapter> many(kMaxAdapters + 1, good.adapter);
  args.adapters = many;
  EXPECT_FALSE(Linear::supports({}, args));
  args.adapters = args.adapters.first(kMaxAdapters);
  EXPECT_TRUE(Linear::supports({}, args));
}

TEST(LinearSupports, TheLimitsAndNotOnePast) {
  const auto shaped = [](std::int64_t rows, std::int64_t inputs,
                         std::int64_t outputs) {
    const float* none = nullptr;
    return Linear::Args{.y = matrix_ref(none, rows, outputs),
                        .x = matrix_ref(none, rows, inputs),
                        .weight = {.outputs = outputs, .inputs = inputs}};
  };
  EXPECT_TRUE(Linear::supports({}, shaped(0, 1, 1)));
  EXPECT_TRUE(Linear::supports({}, shaped(1, 1 << 20, 1 << 20)));
  EXPECT_FALSE(Linear::supports({}, shaped(-1, 1, 1)));
  EXPECT_FALSE(Linear::supports({}, shaped(1, 0, 1)));
  EXPECT_FALSE(Linear::supports({}, shaped(1, (1 << 20) + 1, 1)));
  EXPECT_FALSE(Linear::supports({}, shaped(1, 1, (1 << 20) + 1)));
  auto other = shaped(2, 4, 4);
  other.x.shape[1] = 5;
  const auto refused = Linear::supports({}, other);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, ::testing::HasSubstr("x f32 [2, 5]"));
}

}  // namespace
}  // namespace troupe::kernels
