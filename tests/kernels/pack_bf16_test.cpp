// Rows of bf16 packed as they are: the bytes that widening first would give.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "kernels/numbers.hpp"
#include "kernels/packed.hpp"

namespace troupe::kernels {
namespace {

struct PackedBf16 {
  std::vector<std::byte> memory;
  PackedWeight weight;
};

PackedBf16 room_for(std::int64_t outputs, std::int64_t inputs,
                    WeightLayout layout) {
  PackedBf16 room{.memory = std::vector<std::byte>(packed_bytes(
                      WeightFormat::bf16, outputs, inputs, layout)),
                  .weight = {}};
  room.weight = {.data = room.memory.data(),
                 .format = WeightFormat::bf16,
                 .outputs = outputs,
                 .inputs = inputs,
                 .layout = layout};
  return room;
}

// Those that are none, of the largest exponent, become ones of the next less.
std::uint16_t finite(std::uint32_t bits) {
  const auto none = (bits & 0x7f80) == 0x7f80;
  return static_cast<std::uint16_t>(none ? bits & ~0x80u : bits);
}

std::vector<std::uint16_t> all_numbers(std::int64_t count) {
  std::vector<std::uint16_t> numbers(static_cast<std::size_t>(count));
  std::mt19937 random{3};
  for (auto& number : numbers) number = finite(random());
  return numbers;
}

void expect_same(std::int64_t outputs, std::int64_t inputs, WeightLayout layout,
                 std::int64_t at_once) {
  const auto rows = all_numbers(outputs * inputs);
  std::vector<float> wide(rows.size());
  bf16_to_f32(rows, wide);
  const auto expected = room_for(outputs, inputs, layout);
  pack_rows(expected.weight, 0, wide);
  const auto packed = room_for(outputs, inputs, layout);
  for (std::int64_t row = 0; row < outputs; row += at_once) {
    const auto count = std::min(at_once, outputs - row);
    pack_bf16_rows(
        packed.weight, row,
        std::span{rows}.subspan(static_cast<std::size_t>(row * inputs),
                                static_cast<std::size_t>(count * inputs)));
  }
  EXPECT_TRUE(packed.memory == expected.memory)
      << outputs << " x " << inputs << ", " << at_once << " at once";
}

TEST(PackBf16, GivesTheBytesOfWidenedRows) {
  for (const auto layout : {WeightLayout::panels, WeightLayout::rows})
    for (const std::int64_t inputs : {1, 2, 63, 64, 127, 130, 896})
      for (const std::int64_t outputs : {1, 15, 16, 17, 48, 50})
        for (const std::int64_t at_once : {1, 16, 24, 64})
          expect_same(outputs, inputs, layout, at_once);
}

TEST(PackBf16, TakesEveryFiniteNumberAsWideningDoes) {
  std::vector<std::uint16_t> rows(65'536);
  for (std::size_t i = 0; i < rows.size(); ++i)
    rows[i] = finite(static_cast<std::uint32_t>(i));
  std::vector<float> wide(rows.size());
  bf16_to_f32(rows, wide);
  const auto expected = room_for(16, 4096, WeightLayout::panels);
  pack_rows(expected.weight, 0, wide);
  const auto packed = room_for(16, 4096, WeightLayout::panels);
  pack_bf16_rows(packed.weight, 0, rows);
  EXPECT_TRUE(packed.memory == expected.memory);
}

// Of 16 and 17 rows, so that a panel and a row alone are both seen; of an even
// number of vectors and of one with a rest.
TEST(PackBf16, SaysWhereverANumberIsNotFinite) {
  for (const std::int64_t inputs : {16, 19})
    for (const std::size_t outputs : {16, 17})
      for (const std::uint16_t broken : {0x7f80, 0xff80, 0x7f81, 0xffff}) {
        const auto count = outputs * static_cast<std::size_t>(inputs);
        std::vector<std::uint16_t> rows(count, 0xff7f);  // The least of all.
        const auto packed = room_for(static_cast<std::int64_t>(outputs), inputs,
                                     WeightLayout::panels);
        EXPECT_TRUE(pack_bf16_rows(packed.weight, 0, rows));
        for (std::size_t at = 0; at < count; ++at) {
          rows[at] = broken;
          EXPECT_FALSE(pack_bf16_rows(packed.weight, 0, rows)) << at;
          rows[at] = 0x7f7f;
        }
      }
}

}  // namespace
}  // namespace troupe::kernels
