// A file system under RocksDB whose fresh log files already have their blocks,
// so that a synced append changes no metadata.
#pragma once

#include <rocksdb/file_system.h>

#include <cstdint>
#include <memory>

namespace troupe::storage {

/// Everything goes to `base`; a new "*.log" begins as `bytes` bytes of filling
/// that RocksDB reads as the end of a recycled log. Where there is no room
/// for them the log grows as usual. `ahead`: a thread fills the next one while
/// the last is written ("spare.fill" beside it).
std::shared_ptr<rocksdb::FileSystem> with_prefilled_logs(
    const std::shared_ptr<rocksdb::FileSystem>& base, std::uint64_t bytes,
    bool ahead);

/// At every offset this byte, repeated, is the header of a record of another
/// log (type 5, log number 0x05050505): a reader stops there. Zeros would be
/// skipped, and what a power cut left behind a lost page would be believed.
inline constexpr char kLogFilling = 5;

}  // namespace troupe::storage
