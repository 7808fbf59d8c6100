// Embedding, norms, positions and SwiGLU, against the references.
#include <gtest/gtest.h>

#include "kernels/embedding.hpp"
#include "test_device.hpp"
#include "tests/kernels/plain_cases.hpp"

namespace troupe::kernels {
namespace {

using CudaOps = EachOrder;
TROUPE_EACH_ORDER(CudaOps);

// -- embedding ----------------------------------------------------------------

struct Table {
  Table(WeightFormat format, std::int64_t tokens, std::int64_t dim)
      : weight{.format = format,
               .outputs = tokens,
               .inputs = dim,
               .layout = layout_on({.backend = Backend::cuda}, format)},
        packed(packed_bytes(format, tokens, dim, weight.layout) / 4, -1) {
    weight.data = packed.data();
    pack_rows(weight, 0, random_values(tokens * dim, 5));
  }
  PackedWeight weight;
  std::vector<std::int32_t> packed;
};

TEST_P(CudaOps, EmbedRowsOfEveryFormat) {
  const std::vector<std::int32_t> ids{32, 0, 16, 15, 16, 31};
  for (const auto format : {WeightFormat::f32, WeightFormat::bf16,
                            WeightFormat::int8, WeightFormat::int4})
    for (const std::int64_t dim : {1, 19, 64, 300}) {
      CudaDevice device{GetParam()};
      const Table table{format, 33, dim};
      std::vector<float> y(6 * static_cast<std::size_t>(dim), NAN);
      auto expected = y;
      Embedding::Args args{.y = matrix_ref(y.data(), 6, dim),
                           .ids = vector_ref(ids.data(), 6),
                           .table = table.weight};
      ASSERT_TRUE(device.run<Embedding>(args));
      args.y = matrix_ref(expected.data(), 6, dim);
      Embedding::reference(args);
      EXPECT_TRUE(computed(y, expected, std::vector<float>(y.size(), 1.f), {}))
          << to_string(format) << ", " << dim;
    }
}

TEST_P(CudaOps, EmbedNothingWhereARowOnlyFillsAStep) {
  CudaDevice device{GetParam()};
  const Table table{WeightFormat::bf16, 3, 5};
  const std::vector<std::int32_t> ids{-1, 2};
  std::vector<float> y(10, NAN);
  ASSERT_TRUE(device.run<Embedding>({.y = matrix_ref(y.data(), 2, 5),
                                     .ids = vector_ref(ids.data(), 2),
                                     .table = table.weight}));
  EXPECT_EQ(y[0], 0);
  EXPECT_EQ(y[4], 0);
  EXPECT_EQ(y[5], packed_at(table.weight, 2, 0));
}

TEST(CudaEmbedding, RefusesTheLayoutOfTheCpu) {
  CudaDevice device{Order::ascending};
  Table table{WeightFormat::bf16, 3, 5};
  table.weight.layout = WeightLayout::panels;
  EXPECT_FALSE(
      device.run<Embedding>({.y = {}, .ids = {}, .table = table.weight}));
}

// -- RMSNorm ------------------------------------------------------------------

TEST_P(CudaOps, NormalizeRows) {
  for (const auto rows : {0, 1, 5})
    for (const auto dim : {1, 2, 31, 33, 255, 256, 257, 896, 4864}) {
      CudaDevice device{GetParam()};
      RmsNormCase actual{rows, dim}, expected{rows, dim};
      ASSERT_TRUE(device.run<RmsNorm>(actual.args));
      RmsNorm::reference(expected.args);
      EXPECT_TRUE(computed(actual.y, expected.y, actual.x, kNormAllowed))
          << rows << " x " << dim;
    }
}

TEST_P(CudaOps, NormalizeRowsAddedToAResidual) {
  for (const auto dim : {1, 33, 896}) {
    CudaDevice device{GetParam()};
    RmsNormCase actual{3, dim}, expected{3, dim};
    const auto before = actual.residual;
    actual.args.residual = matrix_ref(actual.residual.data(), 3, dim);
    expected.args.residual = matrix_ref(expected.residual.data(), 3, dim);
    ASSERT_TRUE(device.run<RmsNorm>(actual.args));
    RmsNorm::reference(expected.args);
    EXPECT_TRUE(computed(actual.y, expected.y, actual.x, kNormAllowed));
    EXPECT_TRUE(computed(actual.residual, expected.residual, before, {}));
  }
}

TEST_P(CudaOps, NormalizeInPlaceAndLetNotANumberThrough) {
  CudaDevice device{GetParam()};
  RmsNormCase apart{3, 300};
  apart.x[299] = NAN;
  ASSERT_TRUE(device.run<RmsNorm>(apart.args));
  EXPECT_TRUE(std::isnan(apart.y[0]));
  EXPECT_FALSE(std::isnan(apart.y[300]));
  const auto fine = [](const std::vector<float>& rows) {
    return std::vector<float>{rows.begin() + 300, rows.end()};
  };
  const auto input = fine(apart.x);
  auto args = apart.args;
  args.y = args.x;
  ASSERT_TRUE(device.run<RmsNorm>(args));
  EXPECT_TRUE(computed_alike(fine(apart.x), fine(apart.y), input));
}

// -- positions ----------------------------------------------------------------

TEST_P(CudaOps, TurnHeads) {
  for (const std::int64_t half : {1, 32, 64, 200})
    for (const std::int64_t heads : {1, 3, 14}) {
      CudaDevice device{GetParam()};
      RopeCase actual{{5, 0, 32'767, 131}, heads, half};
      RopeCase expected = actual;
      ASSERT_TRUE(device.run<RopeTable>(actual.table(1e6f)));
      RopeTable::reference(expected.table(1e6f));
      EXPECT_TRUE(computed(actual.cos, expected.cos, actual.sin, {1e-7, 0}));
      EXPECT_TRUE(computed(actual.sin, expected.sin, actual.cos, {1e-7, 0}));
      ASSERT_TRUE(device.run<Rope>(actual.args()));
      Rope::reference(expected.args());
      EXPECT_TRUE(computed(actual.y, expected.y, actual.x, {1e-6, 1e-6}));
      const auto input = actual.x;
      auto in_place = actual.args();
      in_place.y = in_place.x;
      ASSERT_TRUE(device.run<Rope>(in_place));
      EXPECT_TRUE(computed_alike(actual.x, actual.y, input));
    }
}

// -- SwiGLU -------------------------------------------------------------------

TEST_P(CudaOps, MultiplyByGates) {
  const std::int64_t shapes[][2] = {{0, 4},   {1, 1},    {1, 255},
                                    {3, 257}, {2, 1000}, {1, 1024 * 256 + 3}};
  for (const auto& [rows, dim] : shapes) {
    CudaDevice device{GetParam()};
    SwigluCase actual{rows, dim}, expected{rows, dim};
    ASSERT_TRUE(device.run<SwiGlu>(actual.args));
    SwiGlu::reference(expected.args);
    EXPECT_TRUE(computed(actual.y, expected.y, actual.gate, kSwigluAllowed));
    EXPECT_TRUE(computed(actual.y, expected.y, actual.up, kSwigluAllowed));
    const auto input = actual.gate;
    actual.args.y = actual.args.gate;
    ASSERT_TRUE(device.run<SwiGlu>(actual.args));
    EXPECT_TRUE(computed_alike(actual.gate, actual.y, input));
  }
}

TEST_P(CudaOps, MultiplyByGatesAtTheEndsOfTheRange) {
  CudaDevice device{GetParam()};
  SwigluCase some{1, 6};
  some.fill_with_ends();
  ASSERT_TRUE(device.run<SwiGlu>(some.args));
  some.check_ends();
  EXPECT_EQ(some.y[3], 0);
}

// -- the way there ------------------------------------------------------------

TEST(CudaDispatch, ReportsWhatCudaThrows) {
  CudaDevice device{Order::ascending};
  RmsNormCase some{2, 8};
  some.args.residual = {};
  constexpr CudaOp kBroken{
      RmsNorm::kName, [](Context&, const void*) -> Status {
        return Error{Errc::device_lost, "rms_norm: out of order"};
      }};
  device.ctx.cuda_ops = {&kBroken, 1};
  const auto ran = rms_norm(device.ctx, some.args);
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().code, Errc::device_lost);
}

}  // namespace
}  // namespace troupe::kernels
