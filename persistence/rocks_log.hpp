// RocksDB's own log, DIR/LOG. RocksDB writes it through a writer that must not
// be used again after an error: with assertions, as Debian builds it, the next
// line on a full or read-only disk would end the process.
#pragma once

#include <rocksdb/env.h>

#include <filesystem>
#include <memory>

namespace troupe::storage {

/// Renames an old LOG to LOG.old; an empty `dir`: all is dropped. A line that
/// cannot be written is dropped, as is what comes after the first megabyte.
std::shared_ptr<rocksdb::Logger> make_rocks_log(
    const std::filesystem::path& dir);

}  // namespace troupe::storage
