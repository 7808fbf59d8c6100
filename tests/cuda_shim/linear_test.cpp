// Linear layers of every format, few rows and many, against plain loops over
// the weights as they are after rounding.
#include "kernels/linear.hpp"

#include <gtest/gtest.h>

#include <numeric>

#include "kernels/linear_cuda.hpp"
#include "kernels/numbers.hpp"
#include "test_device.hpp"

namespace troupe::kernels {
namespace {

struct Product {
  Product(WeightFormat format, std::int64_t rows_, std::int64_t inputs,
          std::int64_t outputs)
      : rows{rows_},
        weight{.format = format,
               .outputs = outputs,
               .inputs = inputs,
               .layout = layout_on({.backend = Backend::cuda}, format)},
        packed(packed_bytes(format, outputs, inputs, weight.layout) + 64),
        x{random_values(rows * inputs, 1)},
        bias{random_values(outputs, 3)},
        y(static_cast<std::size_t>(rows * outputs), NAN) {
    auto at = reinterpret_cast<std::uintptr_t>(packed.data());
    weight.data = packed.data() + (64 - at % 64) % 64;
    pack_rows(weight, 0, random_values(outputs * inputs, 2));
  }
  Product(const Product&) = delete;
  Product& operator=(const Product&) = delete;

  Linear::Args args() {
    return {.y = matrix_ref(y.data(), rows, weight.outputs),
            .x = matrix_ref(x.data(), rows, weight.inputs),
            .weight = weight,
            .bias = vector_ref(bias.data(), weight.outputs)};
  }
  std::vector<float> expected() const {
    const bool rounds = rows > kSmallRows && weight.format != WeightFormat::f32;
    const auto as_taken = [&](float value) {
      return double{rounds ? bf16_to_f32(f32_to_bf16(value)) : value};
    };
    std::vector<double> in, w(static_cast<std::size_t>(weight.inputs));
    for (const float value : x) in.push_back(as_taken(value));
    std::vector<float> sums(y.size());
    for (std::int64_t o = 0; o < weight.outputs; ++o) {
      for (std::int64_t k = 0; k < weight.inputs; ++k)
        w[static_cast<std::size_t>(k)] = as_taken(packed_at(weight, o, k));
      for (std::int64_t r = 0; r < rows; ++r) {
        const double from =
            bias.empty() ? 0 : double{bias[static_cast<std::size_t>(o)]};
        sums[static_cast<std::size_t>(r * weight.outputs + o)] =
            static_cast<float>(std::inner_product(
                w.begin(), w.end(), in.begin() + r * weight.inputs, from));
      }
    }
    return sums;
  }
  // Sums of n products of about 1, in some hundred chains.
  Tolerance allowed() const {
    return {2e-6 + 2e-8 * static_cast<double>(weight.inputs), 1e-6};
  }

  std::int64_t rows;
  PackedWeight weight;
  std::vector<std::byte> packed;
  std::vector<float> x, bias, y;
};

constexpr WeightFormat kFormats[] = {WeightFormat::f32, WeightFormat::bf16,
                                     WeightFormat::int8, WeightFormat::int4};

using CudaLinear = EachOrder;
TROUPE_EACH_ORDER(CudaLinear);

TEST_P(CudaLinear, EqualsPlainLoopsForFewRows) {
  const std::int64_t shapes[][2] = {{1, 1},   {3, 4},   {8, 16},    {33, 17},
                                    {64, 15}, {65, 33}, {1000, 20}, {2055, 5}};
  for (const auto format : kFormats)
    for (const auto& [inputs, outputs] : shapes)
      for (const std::int64_t rows : {0, 1, 2, 3, 4, 5, 8}) {
        CudaDevice device{GetParam()};
        Product some{format, rows, inputs, outputs};
        ASSERT_TRUE(device.run<Linear>(some.args()));
        EXPECT_TRUE(computed(some.y, some.expected(), some.x, some.allowed()))
            << to_string(format) << ", " << rows << " x " << inputs << " -> "
            << outputs;
      }
}

TEST_P(CudaLinear, EqualsPlainLoopsForManyRows) {
  const std::int64_t shapes[][2] = {{1, 1}, {33, 17}, {100, 64}, {130, 33}};
  for (const auto format : kFormats)
    for (const auto& [inputs, outputs] : shapes)
      for (const std::int64_t rows : {9, 40}) {
        CudaDevice device{GetParam()};
        Product some{format, rows, inputs, outputs};
        ASSERT_TRUE(device.run<Linear>(some.args()));
        EXPECT_TRUE(computed(some.y, some.expected(), some.x, some.allowed()))
            << to_string(format) << ", " << rows << " x " << inputs << " -> "
            << outputs;
      }
}

// So many inputs that codes become rows of bf16 in two parts.
TEST(CudaLinearParts, MeetWithoutASeam) {
  constexpr std::int64_t kInputs = 1 << 19;
  CudaDevice device{Order::ascending};
  Product some{WeightFormat::int4, 9, kInputs, 20};
  ASSERT_EQ(large_linear(some.args()).part_outputs, 16);
  ASSERT_TRUE(device.run<Linear>(some.args()));
  EXPECT_TRUE(computed(some.y, some.expected(), some.x, {1e-2, 1e-5}));
}

TEST_P(CudaLinear, GoesWithoutABias) {
  for (const auto format : kFormats)
    for (const std::int64_t rows : {3, 12}) {
      CudaDevice device{GetParam()};
      Product some{format, rows, 70, 40};
      auto args = some.args();
      args.bias = {};
      ASSERT_TRUE(device.run<Linear>(args));
      some.bias.clear();
      EXPECT_TRUE(computed(some.y, some.expected(), some.x, some.allowed()));
    }
}

TEST_P(CudaLinear, AddsAdaptersBesideTheStoredWeight) {
  for (const auto format : kFormats)
    for (const std::int64_t rows : {3, 12}) {
      CudaDevice device{GetParam()};
      Product some{format, rows, 70, 40};
      Product low{WeightFormat::f32, rows, 70, 5};
      Product high{WeightFormat::f32, rows, 5, 40};
      const Adapter adapter{.a = low.weight, .b = high.weight, .scale = 0.5f};
      auto args = some.args();
      args.adapters = {&adapter, 1};
      ASSERT_TRUE(device.run<Linear>(args));
      low.x = some.x;
      low.bias.clear();
      high.x = low.expected();
      high.bias.clear();
      auto expected = some.expected();
      const auto change = high.expected();
      for (std::size_t i = 0; i < expected.size(); ++i)
        expected[i] += 0.5f * change[i];
      EXPECT_TRUE(computed(some.y, expected, some.x, {2e-4, 1e-5}))
          << to_string(format) << ", " << rows << " rows";
    }
}

TEST_P(CudaLinear, GivesARowTheSameBytesInAnySmallBatch) {
  for (const auto format : kFormats) {
    CudaDevice device{GetParam()};
    Product whole{format, 8, 300, 37}, parts{format, 8, 300, 37};
    ASSERT_TRUE(device.run<Linear>(whole.args()));
    for (const auto& [first, count] :
         {std::pair{0, 1}, {1, 2}, {3, 3}, {6, 2}}) {
      auto args = parts.args();
      args.y = matrix_ref(parts.y.data() + first * 37, count, 37);
      args.x = matrix_ref(parts.x.data() + first * 300, count, 300);
      ASSERT_TRUE(device.run<Linear>(args));
    }
    EXPECT_TRUE(computed_alike(whole.y, parts.y, whole.x)) << to_string(format);
  }
}

TEST_P(CudaLinear, LetsNotANumberThrough) {
  for (const auto format : kFormats) {
    CudaDevice device{GetParam()};
    Product some{format, 2, 20, 20};
    some.x[21] = NAN;  // Just past what the row before has.
    ASSERT_TRUE(device.run<Linear>(some.args()));
    EXPECT_FALSE(std::isnan(some.y[19]));
    EXPECT_TRUE(std::isnan(some.y[20]));
    EXPECT_TRUE(std::isnan(some.y[39]));
  }
}

}  // namespace
}  // namespace troupe::kernels
