// The one database behind the store: how it is opened, its three column
// families, its errors in our words. Knows nothing of jobs.
#pragma once

#include <rocksdb/db.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "persistence/job_store.hpp"

namespace troupe::storage {

/// What RocksDB says, as an Error: corrupt, disk_full, read_only, locked,
/// denied, io_error. `what` is what we were doing.
Error rocks_error(std::string_view what, const rocksdb::Status& status);

/// `damage` without what to do about it.
std::string without_advice(std::string damage);

/// Where an open database leaves what a read found damaged, but for the index.
std::filesystem::path log_damage_file(const std::filesystem::path& dir);

/// Tells whoever listens that the log makes up for `damage` of the index.
void tell_of_new_index(const StoreOptions& options, const std::string& damage);

/// Closes in the right order. `meta` is the default family.
class Database {
 public:
  /// Creates what is missing. Where only tables of the index cannot be read,
  /// it is opened with an empty one. Errors: those of rocks_error().
  static Result<std::unique_ptr<Database>> open(
      const std::filesystem::path& dir, const StoreOptions& options);
  /// Reads what is there without changing anything.
  static Result<std::unique_ptr<Database>> open_read_only(
      const std::filesystem::path& dir, const StoreOptions& options);
  /// Likewise without the index, which may be damaged.
  static Result<std::unique_ptr<Database>> open_log_read_only(
      const std::filesystem::path& dir, const StoreOptions& options);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  rocksdb::DB& db() const { return *db_; }
  rocksdb::ColumnFamilyHandle* meta() const { return families_[0]; }
  rocksdb::ColumnFamilyHandle* log() const { return families_[1]; }
  rocksdb::ColumnFamilyHandle* index() const { return families_[2]; }

  /// Drops and recreates the index family; it is not damaged any more.
  Status clear_index();

  /// What a read of the index met, as an Error. Damage is remembered, also
  /// for the next opening. From any thread.
  Error index_error(const rocksdb::Status& status) const;
  /// corrupt: what the index says of `what` makes no sense. Likewise.
  Error index_error(const std::string& what) const;
  /// A write failed: remembers damage where a table of the index is to blame.
  void blame(const rocksdb::Status& status) const;
  bool index_is_damaged() const { return damaged_; }
  /// The damage in words, for people.
  std::string index_damage() const;
  /// rocks_error() of a read of anything but the index. Damage is told of, and
  /// remembered in log.damaged as long as the database is open.
  Error read_error(std::string_view what, const rocksdb::Status& status) const;
  /// Reads every entry of the log. Errors: corrupt, io_error.
  Status read_whole_log() const;

 private:
  Database() = default;
  using Families = std::vector<rocksdb::ColumnFamilyDescriptor>;
  enum class Checks { strict, log_only };
  static Result<std::unique_ptr<Database>> open_as(
      const std::filesystem::path& dir, const StoreOptions& options,
      Checks checks);
  static Status replace_index(const std::filesystem::path& dir,
                              const StoreOptions& options, const Error& why);
  /// `described`: all families, or the first of them.
  static Result<std::unique_ptr<Database>> open_to_read(
      const std::filesystem::path& dir, const StoreOptions& options,
      const Families& described);
  void remember_damage_in(const std::filesystem::path& dir);
  Error damaged(const std::string& text) const;

  std::unique_ptr<rocksdb::Env> env_;  // Outlives the database.
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;
  rocksdb::ColumnFamilyOptions index_options_;
  std::filesystem::path damage_file_;  // There while the index is damaged.
  mutable std::atomic<bool> damaged_{false};
  std::filesystem::path log_damage_file_;  // Empty: only looked at.
  mutable std::atomic<bool> log_damaged_{false};
  std::function<void(const std::string&)> tell_;
};

}  // namespace troupe::storage
