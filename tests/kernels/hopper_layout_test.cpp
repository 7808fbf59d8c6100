// Where Hopper's numbers lie, against the manual's figures and as bijections.
#include "kernels/hopper/layout.hpp"

#include <gtest/gtest.h>

#include <set>

namespace troupe::kernels::hopper {
namespace {

TEST(HopperLayout, SwizzlesEachByteOfATileToAPlaceOfItsOwn) {
  for (const int dim : {64, 128})
    for (const int rows : {64, 128, 176, 192}) {
      std::set<std::uint32_t> taken;
      for (int row = 0; row < rows; ++row)
        for (int column = 0; column < dim; ++column) {
          const auto offset = tile_offset(rows, row, column);
          EXPECT_LT(offset, tile_bytes(rows, dim));
          EXPECT_EQ(offset % 2, 0u);
          taken.insert(offset);
        }
      EXPECT_EQ(taken.size(), static_cast<std::size_t>(rows * dim));
    }
}

// The manual's picture of the 128-byte swizzle: piece c of row r is at c ^ r.
TEST(HopperLayout, PutsTheFirstPieceOfEachRowOneFurther) {
  for (int row = 0; row < 16; ++row)
    EXPECT_EQ(tile_offset(64, row, 0),
              static_cast<std::uint32_t>(row * 128 + row % 8 * 16));
  EXPECT_EQ(tile_offset(64, 3, 5 * 8), 3u * 128 + (5 ^ 3) * 16);
  EXPECT_EQ(tile_offset(64, 0, 64), 64u * 128);
}

// Threads that read a column of eight rows meet all 32 banks once.
TEST(HopperLayout, SpreadsAColumnOfAnAtomOverAllBanks) {
  for (int piece = 0; piece < 8; ++piece) {
    std::set<std::uint32_t> banks;
    for (int row = 0; row < 8; ++row)
      banks.insert(tile_offset(64, row, piece * 8) / 16 % 8);
    EXPECT_EQ(banks.size(), 8u);
  }
}

// PTX ISA, matrix descriptor: start 0-13, leading 16-29, stride 32-45, swizzle
// 62-63, addresses and strides in pieces of 16 bytes.
TEST(HopperLayout, FillsTheFieldsOfADescriptor) {
  const auto bits = descriptor(0x2c400, {0x5800, 1024});
  EXPECT_EQ(bits & 0x3fff, 0x2c40u);
  EXPECT_EQ(bits >> 16 & 0x3fff, 0x580u);
  EXPECT_EQ(bits >> 32 & 0x3fff, 64u);
  EXPECT_EQ(bits >> 49 & 7, 0u);
  EXPECT_EQ(bits >> 62, 1u);
}

TEST(HopperLayout, AdvancesADescriptorAsItsAddress) {
  for (const std::uint32_t bytes : {0u, 32u, 96u, 2048u, 22528u})
    EXPECT_EQ(advanced(descriptor(0x8400, along_rows()), bytes),
              descriptor(0x8400 + bytes, along_rows()));
  // The last byte that a block can have.
  EXPECT_EQ(advanced(descriptor(0x20000, along_columns(176)), 0x18fe0),
            descriptor(0x38fe0, along_columns(176)));
}

// What a descriptor along rows says of element [row, depth], by the manual.
std::uint32_t along_rows_at(std::uint32_t start, int row, int depth) {
  return start + swizzled(static_cast<std::uint32_t>(
                     row / 8 * kAtomBytes + row % 8 * 128 + depth * 2));
}

TEST(HopperLayout, StepsAlongRowsReachTheElementsOfATile) {
  for (const int rows : {128, 176})
    for (int first = 0; first < 128; first += kProductDepth) {
      const auto offset = depth_offset(rows, first);
      for (int row = 0; row < rows; ++row)
        for (int d = 0; d < kProductDepth; ++d)
          // Swizzled by the whole address: the column starts at an atom.
          ASSERT_EQ(along_rows_at(offset / 128 * 128, row,
                                  static_cast<int>(offset % 128 / 2) + d),
                    tile_offset(rows, row, first + d));
    }
}

TEST(HopperLayout, AlongColumnsReachesTheElementsOfATile) {
  for (const int rows : {128, 176}) {
    const auto strides = along_columns(rows);
    for (int first = 0; first < rows; first += kProductDepth)
      for (int column = 0; column < 128; ++column)
        for (int d = 0; d < kProductDepth; ++d) {
          const auto at =
              static_cast<std::uint32_t>(first * kColumnRowBytes) +
              static_cast<std::uint32_t>(column / 64) * strides.leading +
              static_cast<std::uint32_t>(d / 8) * strides.stride +
              static_cast<std::uint32_t>(d % 8 * 128 + column % 64 * 2);
          ASSERT_EQ(swizzled(at), tile_offset(rows, first + d, column));
        }
  }
}

TEST(HopperLayout, GivesEachSumToOneRegisterAndBack) {
  for (const int columns : {64, 128, 176}) {
    std::set<std::pair<int, int>> held;
    for (int thread = 0; thread < kGroupThreads; ++thread)
      for (int i = 0; i < columns / 2; ++i) {
        const auto at = accumulator_place(thread, i);
        EXPECT_LT(at.row, kGroupRows);
        EXPECT_LT(at.column, columns);
        EXPECT_EQ(accumulator_holder(at), (Holder{thread, i}));
        held.insert({at.row, at.column});
      }
    EXPECT_EQ(held.size(), static_cast<std::size_t>(kGroupRows * columns));
  }
}

// The manual's figure of the sums of m64nNk16.
TEST(HopperLayout, HoldsTheSumsThatTheManualSays) {
  EXPECT_EQ(accumulator_place(0, 0), (Place{0, 0}));
  EXPECT_EQ(accumulator_place(0, 1), (Place{0, 1}));
  EXPECT_EQ(accumulator_place(0, 2), (Place{8, 0}));
  EXPECT_EQ(accumulator_place(0, 4), (Place{0, 8}));
  EXPECT_EQ(accumulator_place(3, 0), (Place{0, 6}));
  EXPECT_EQ(accumulator_place(4, 0), (Place{1, 0}));
  EXPECT_EQ(accumulator_place(32, 0), (Place{16, 0}));
  EXPECT_EQ(accumulator_place(127, 7), (Place{63, 15}));
}

// So that weights need no exchange between threads: the sums of 16 keys, in
// order, are a left operand.
TEST(HopperLayout, MakesALeftOperandOfSixteenColumnsOfSums) {
  for (int thread = 0; thread < kGroupThreads; ++thread)
    for (int step = 0; step < 11; ++step)
      for (int i = 0; i < 8; ++i) {
        const auto sum = accumulator_place(thread, step * 8 + i);
        const auto operand = operand_place(thread, i);
        EXPECT_EQ(sum.row, operand.row);
        EXPECT_EQ(sum.column, step * kProductDepth + operand.column);
      }
}

}  // namespace
}  // namespace troupe::kernels::hopper
