// What the disk allows, measured beside the rest: append and fdatasync.
#pragma once

#include <filesystem>

namespace troupe::bench {

/// Records per second of `record_bytes` each, appended and synced by
/// `per_sync` at a time, over about `seconds`. 0 when the disk refuses.
double append_and_sync(const std::filesystem::path& dir, int per_sync,
                       int record_bytes, double seconds);

/// The same through RocksDB's write batches with a synced log.
double rocksdb_synced_batches(const std::filesystem::path& dir, int per_sync,
                              int record_bytes, double seconds);

}  // namespace troupe::bench
