// RocksDB's log format, in which its write-ahead logs and its MANIFEST are
// written, read one fragment at a time. Knows nothing of what records mean.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace troupe::storage {

// Blocks of 32 KiB hold fragments
//   crc32c (4, masked) length (2) type (1) [log number (4)] payload
// little-endian; types 5 to 8 are 1 to 4 (full, first, middle, last) in a log
// that may lie over an older one. Less than kFragmentHeader bytes at the end
// of a block are padding.
inline constexpr std::size_t kLogBlock = 32 * 1024;
inline constexpr std::size_t kFragmentHeader = 7;

struct LogFragment {
  enum class Is {
    whole = 1,
    empty,    // Zeros: preallocated, never written.
    older,    // Of the log that the file held before.
    damaged,  // Its checksum or its length is wrong.
    foreign,  // Whole, and not a part of a record: to be passed over.
  } is = Is::damaged;
  bool begins = false;  // A record; only of a whole one, as is `ends`.
  bool ends = false;
  std::size_t size = 0;  // With its header; of a whole or foreign one.
  std::string_view payload;
};

/// The fragment at the start of `rest`, which ends with its block or the file.
/// `number`: the log's. REQUIRES: at least kFragmentHeader bytes.
LogFragment read_fragment(std::string_view rest, std::uint32_t number);

/// CRC32C as it stands in the files.
std::uint32_t masked_crc32c(std::string_view bytes);

/// An integer, little-endian.
template <class T>
T little(const char* bytes) {
  T x = 0;
  for (std::size_t i = sizeof(T); i-- > 0;)
    x = static_cast<T>(x << 8 | static_cast<unsigned char>(bytes[i]));
  return x;
}

}  // namespace troupe::storage
