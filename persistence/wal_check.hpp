// Reads RocksDB's log files before RocksDB does. RocksDB takes everything
// behind a damaged record for the torn end of a power cut and drops it; here
// a damage behind which acknowledged records lie is told from that.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "core/result.hpp"

namespace troupe::storage {

struct WalDamage {
  std::filesystem::path file;
  std::uint64_t offset = 0;  // Of the first record that fails its check.
};

struct WalReport {
  std::uint64_t last_sequence = 0;  // Of the last good record; 0: none.
  std::optional<WalDamage> damage;  // The first; nothing behind it counts.
};

/// Changes nothing. A missing folder has no log. Errors: io_error, denied.
Result<WalReport> check_wal(const std::filesystem::path& dir);

}  // namespace troupe::storage
