// What a safetensors file says it holds: u64 little-endian header length, a
// JSON header, then the data. Trusts nothing in it and reads no weight; every
// fault is refused with the file, the tensor and the reason.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace troupe {

inline constexpr std::uint64_t kMaxSafetensorsHeaderBytes = 100'000'000;
inline constexpr std::size_t kMaxTensorRank = 8;
inline constexpr std::size_t kMaxTensorNameBytes = 1024;

/// How the elements of a stored tensor are written. The families compute with
/// bf16, f16 and f32; the others occur beside weights (masks, positions).
enum class StoredType : std::uint8_t {
  boolean = 1,
  u8,
  i8,
  f8_e4m3,
  f8_e5m2,
  u16,
  i16,
  f16,
  bf16,
  u32,
  i32,
  f32,
  u64,
  i64,
  f64,
};

std::uint64_t element_bytes(StoredType type);
/// As the format spells it: "BF16".
std::string_view to_string(StoredType type);

struct StoredTensor {
  std::string name;
  StoredType type = StoredType::f32;
  std::vector<std::int64_t> shape;  // Row-major; empty: a scalar.
  std::uint64_t begin = 0;          // [begin, end) in the file, in bytes.
  std::uint64_t end = 0;
  std::int64_t elements() const;
  std::uint64_t bytes() const { return end - begin; }
};

inline constexpr std::size_t kSafetensorsPrefixBytes = 8;

/// The header's length from the file's first bytes (all of them, when it holds
/// fewer than eight). Errors: corrupt (no such length can be), too_large (over
/// kMaxSafetensorsHeaderBytes).
Result<std::uint64_t> safetensors_header_bytes(std::string_view prefix,
                                               std::uint64_t file_bytes,
                                               std::string_view file);

/// In the order of the data. Guarantees: names are unique; shape and type give
/// each tensor's length; the tensors fill the file from the end of the header
/// to its last byte, each byte once.
/// Errors: corrupt; unsupported (a dtype this build does not know, by name).
Result<std::vector<StoredTensor>> parse_safetensors_header(
    std::string_view header, std::uint64_t file_bytes, std::string_view file);

}  // namespace troupe
