#include "kernels/embedding.hpp"

#include <gtest/gtest.h>

#include "tests/kernels/support.hpp"

namespace troupe::kernels {
namespace {

struct EmbeddingCase {
  EmbeddingCase(std::int64_t tokens, std::int64_t dim,
                std::vector<std::int32_t> ids_)
      : rows{random_values(tokens * dim, 1)},
        packed(packed_bytes(WeightFormat::f32, tokens, dim) / sizeof(float)),
        ids{std::move(ids_)},
        y(ids.size() * static_cast<std::size_t>(dim)),
        table{.data = packed.data(), .outputs = tokens, .inputs = dim} {
    pack_rows(table, 0, rows);
  }

  Embedding::Args args() {
    const auto count = static_cast<std::int64_t>(ids.size());
    return {.y = matrix_ref(y.data(), count, table.inputs),
            .ids = vector_ref(ids.data(), count),
            .table = table};
  }
  std::vector<float> expected() const {
    std::vector<float> out;
    const auto dim = static_cast<std::size_t>(table.inputs);
    for (const auto id : ids) {
      const auto* row = rows.data() + static_cast<std::size_t>(id) * dim;
      out.insert(out.end(), row, row + dim);
    }
    return out;
  }

  std::vector<float> rows, packed;
  std::vector<std::int32_t> ids;
  std::vector<float> y;
  PackedWeight table;
};

using EmbeddingLevels = EachLevel;
TROUPE_EACH_LEVEL(EmbeddingLevels);

TEST_P(EmbeddingLevels, CopyTheRowsOfTheIds) {
  TestDevice device{GetParam(), 2};
  EmbeddingCase some{33, 19, {32, 0, 16, 15, 16, 31}};
  ASSERT_TRUE(embedding(device.ctx, some.args()));
  // The first rows of the table are what a copy without ids would be.
  const std::vector<float> input{some.rows.begin(), some.rows.begin() + 6 * 19};
  EXPECT_TRUE(computed(some.y, some.expected(), input, {}));
}

TEST(EmbeddingReference, CopiesTheRowsOfTheIds) {
  EmbeddingCase some{5, 3, {4, 1}};
  Embedding::reference(some.args());
  EXPECT_EQ(some.y, some.expected());
}

TEST(EmbeddingSupports, NoOtherShapes) {
  EmbeddingCase some{5, 3, {4, 1}};
  auto args = some.args();
  EXPECT_TRUE(Embedding::supports({}, args));
  args.ids = vector_ref(some.ids.data(), 1);
  EXPECT_FALSE(Embedding::supports({}, args));
  args = some.args();
  args.ids.dtype = DType::f32;
  EXPECT_FALSE(Embedding::supports({}, args));
  args = some.args();
  args.table.format = WeightFormat{};
  EXPECT_FALSE(Embedding::supports({}, args));
}

}  // namespace
}  // namespace troupe::kernels
