// RocksDB's MANIFEST, the list of the database's files, made to survive a
// power cut: RocksDB calls a torn end of it damage and opens nothing.
#pragma once

#include <rocksdb/file_system.h>

#include <cstdint>
#include <filesystem>
#include <memory>

#include "core/result.hpp"

namespace troupe::storage {

struct ManifestEnd {
  std::filesystem::path path;  // Empty: there is none, RocksDB decides.
  std::uint64_t whole = 0;     // Bytes, up to the end of its last whole record.
  bool torn = false;           // Only bytes that were never synced follow.
  /// The mark says how far it was synced, and that much is there. Otherwise
  /// whole records may be missing at its end.
  bool vouched_for = false;
};

/// Of the MANIFEST that `dir`/CURRENT names. Errors: corrupt (names file and
/// byte) for damage before the end, and without CURRENT where the database's
/// files are: RocksDB would take them for nobody's and remove them; io_error,
/// denied.
Result<ManifestEnd> read_manifest_end(const std::filesystem::path& dir);

/// Cuts it where it is torn. REQUIRES: nobody has `dir` open. Errors: the same.
Status cut_torn_manifest(const std::filesystem::path& dir);

/// Everything goes to `base`, but the MANIFEST reads as if it were cut.
std::shared_ptr<rocksdb::FileSystem> with_cut_manifest(
    std::shared_ptr<rocksdb::FileSystem> base, const ManifestEnd& end);

/// Everything goes to `base`. A MANIFEST is synced record by record, and after
/// each sync "manifest.synced" beside it says how far.
std::shared_ptr<rocksdb::FileSystem> with_synced_manifests(
    std::shared_ptr<rocksdb::FileSystem> base);

}  // namespace troupe::storage
