// The one database behind the store: how it is opened, its three column
// families, its errors in our words. Knows nothing of jobs.
#pragma once

#include <rocksdb/db.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "persistence/job_store.hpp"

namespace troupe::storage {

/// What RocksDB says, as an Error: corrupt, disk_full, read_only, locked,
/// denied, io_error. `what` is what we were doing.
Error rocks_error(std::string_view what, const rocksdb::Status& status);

/// Closes in the right order. `meta` is the default family.
class Database {
 public:
  /// Creates what is missing. Errors: those of rocks_error().
  static Result<std::unique_ptr<Database>> open(
      const std::filesystem::path& dir, const StoreOptions& options);
  /// Reads what is there without changing anything.
  static Result<std::unique_ptr<Database>> open_read_only(
      const std::filesystem::path& dir, const StoreOptions& options);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  rocksdb::DB& db() const { return *db_; }
  rocksdb::ColumnFamilyHandle* meta() const { return families_[0]; }
  rocksdb::ColumnFamilyHandle* log() const { return families_[1]; }
  rocksdb::ColumnFamilyHandle* index() const { return families_[2]; }

  /// Drops and recreates the index family.
  Status clear_index();

 private:
  Database() = default;
  std::unique_ptr<rocksdb::Env> env_;  // Outlives the database.
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;
  rocksdb::ColumnFamilyOptions index_options_;
};

}  // namespace troupe::storage
