// RocksDB's MANIFEST, the list of the database's files, made to survive a
// power cut: RocksDB calls a torn end of it damage and opens nothing.
#pragma once

#include <rocksdb/file_system.h>

#include <filesystem>
#include <memory>

#include "core/result.hpp"

namespace troupe::storage {

/// Cuts the MANIFEST that `dir`/CURRENT names after its last whole record,
/// where only bytes that were never synced follow. Without a MANIFEST it does
/// nothing: RocksDB decides. REQUIRES: nobody has `dir` open.
/// Errors: corrupt (names file and byte) for any other damage, and without
/// CURRENT where the database's files are: RocksDB would take them for nobody's
/// and remove them; io_error, denied.
Status cut_torn_manifest(const std::filesystem::path& dir);

/// Whether it would cut something; changes nothing. Errors: the same.
Result<bool> has_torn_manifest(const std::filesystem::path& dir);

/// Everything goes to `base`. A MANIFEST is synced record by record, and after
/// each sync "manifest.synced" beside it says how far.
std::shared_ptr<rocksdb::FileSystem> with_synced_manifests(
    std::shared_ptr<rocksdb::FileSystem> base);

}  // namespace troupe::storage
