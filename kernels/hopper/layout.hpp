// Where numbers lie that Hopper's tensor cores read and write: tiles in shared
// memory as TMA lays them (128-byte swizzle), the descriptors that wgmma is
// given for them, and the registers of a warpgroup. Plain arithmetic, the same
// on host and device. Source: PTX ISA 8.x, "Asynchronous Warpgroup Level
// Matrix Instructions".
#pragma once

#include <cstdint>

namespace troupe::kernels::hopper {

inline constexpr int kGroupThreads = 128;  // Of a warpgroup.
inline constexpr int kGroupRows = 64;      // Of its accumulators.
inline constexpr int kProductDepth = 16;   // Of one wgmma over bf16.

// A tile of bf16 [rows, dim] lies as columns of 64 elements, one after the
// other: a row of such a column is 128 bytes, eight rows are a swizzle's atom.
inline constexpr int kColumn = 64;
inline constexpr int kColumnRowBytes = 128;
inline constexpr int kAtomRows = 8;
inline constexpr int kAtomBytes = kAtomRows * kColumnRowBytes;

/// The 16-byte piece of a row goes where its number, xor the row's, says.
/// REQUIRES: offsets count from an address that is a multiple of kAtomBytes.
constexpr std::uint32_t swizzled(std::uint32_t offset) {
  return offset ^ (offset >> 3 & 0x70u);
}

constexpr std::uint32_t tile_bytes(int rows, int dim) {
  return static_cast<std::uint32_t>(rows * dim * 2);
}

/// Of element [row, column] of a tile of so many rows, in bytes.
constexpr std::uint32_t tile_offset(int rows, int row, int column) {
  const int within = row * kColumnRowBytes + column % kColumn * 2;
  return static_cast<std::uint32_t>(column / kColumn * rows * kColumnRowBytes) +
         swizzled(static_cast<std::uint32_t>(within));
}

/// Strides of a wgmma operand in shared memory, in bytes.
struct OperandStrides {
  std::uint32_t leading;
  std::uint32_t stride;
};

/// A matrix descriptor; 128-byte swizzle. REQUIRES: address < 256 KiB, and it
/// and the strides multiples of 16.
constexpr std::uint64_t descriptor(std::uint32_t address, OperandStrides to) {
  constexpr std::uint64_t kSwizzle128 = 1;
  return std::uint64_t{address >> 4 & 0x3fffu} |
         std::uint64_t{to.leading >> 4 & 0x3fffu} << 16 |
         std::uint64_t{to.stride >> 4 & 0x3fffu} << 32 | kSwizzle128 << 62;
}

/// A descriptor of what lies so many bytes further. The address never carries
/// into the strides: said so, the upper half stays a constant.
constexpr std::uint64_t advanced(std::uint64_t from, std::uint32_t bytes) {
  const auto low = static_cast<std::uint32_t>(from) + (bytes >> 4);
  return from >> 32 << 32 | low;
}

/// Rows are the product's rows (or columns), their elements its depth: queries
/// and keys. The leading stride is not used.
constexpr OperandStrides along_rows() {
  return {16, kAtomBytes};
}

/// Rows are the product's depth: values, "transposed".
constexpr OperandStrides along_columns(int rows) {
  return {static_cast<std::uint32_t>(rows * kColumnRowBytes), kAtomBytes};
}

/// From the start of a tile to elements [.., first, ..) of its rows: 16 deep
/// steps of a product along rows.
constexpr std::uint32_t depth_offset(int rows, int first) {
  return static_cast<std::uint32_t>(first / kColumn * rows * kColumnRowBytes +
                                    first % kColumn * 2);
}

struct Place {
  int row;
  int column;
  bool operator==(const Place&) const = default;
};

/// The first row and column of which a thread of a warpgroup holds something,
/// of sums [64, n] and of a left operand [64, 16] alike.
constexpr Place first_place(int thread) {
  const auto t = static_cast<unsigned>(thread);
  return {static_cast<int>((t >> 5 << 4) + (t >> 2 & 7)),
          static_cast<int>((t & 3) << 1)};
}

/// From there to what register `i` of its sums holds.
constexpr Place place_beside(int i) {
  return {i / 2 % 2 * 8, i / 4 * 8 + i % 2};
}

/// What register `i` of a thread holds of a warpgroup's sums [64, n].
constexpr Place accumulator_place(int thread, int i) {
  const auto first = first_place(thread), beside = place_beside(i);
  return {first.row + beside.row, first.column + beside.column};
}

struct Holder {
  int thread;
  int i;
  bool operator==(const Holder&) const = default;
};

/// The inverse.
constexpr Holder accumulator_holder(Place at) {
  return {at.row / 16 * 32 + at.row % 8 * 4 + at.column % 8 / 2,
          at.column / 8 * 4 + at.row % 16 / 8 * 2 + at.column % 2};
}

/// What element `i` of a thread's 8 (two to a register) holds of a left
/// operand [64, 16] in registers: the first 8 of its sums would be right.
constexpr Place operand_place(int thread, int i) {
  return accumulator_place(thread, i);
}

}  // namespace troupe::kernels::hopper
