#include "persistence/rocks.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/merge_operator.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>

#include <algorithm>

#include "persistence/format.hpp"
#include "persistence/manifest.hpp"
#include "persistence/prefilled_logs.hpp"
#include "persistence/rocks_log.hpp"
#include "platform/file.hpp"

namespace troupe::storage {
namespace {

constexpr std::string_view kRestore = "; restore a backup";

// Posting lists grow by concatenation, zones by widening.
class IndexMerge : public rocksdb::AssociativeMergeOperator {
 public:
  bool Merge(const rocksdb::Slice& key, const rocksdb::Slice* existing,
             const rocksdb::Slice& value, std::string* merged,
             rocksdb::Logger*) const override {
    const std::string_view added{value.data(), value.size()};
    if (existing == nullptr) {
      *merged = added;
      return true;
    }
    const std::string_view held{existing->data(), existing->size()};
    if (key.size() > 1 && key[1] == 'w') {
      const auto a = decode_zone(held);
      const auto b = decode_zone(added);
      if (!a || !b) return false;
      *merged = encode(
          Zone{std::min(a->min_ms, b->min_ms), std::max(a->max_ms, b->max_ms)});
      return true;
    }
    merged->reserve(held.size() + added.size());
    merged->append(held).append(added);
    return true;
  }
  const char* Name() const override { return "troupe.index"; }
};

rocksdb::BlockBasedTableOptions table_options(
    const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.block_size = 16 * 1024;
  table.format_version = 5;
  table.checksum = rocksdb::kXXH3;
  return table;
}

rocksdb::ColumnFamilyOptions log_options(
    const StoreOptions& options, const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions family;
  family.write_buffer_size = options.log_buffer_bytes;
  family.max_write_buffer_number = 3;
  // Keys only ever grow: files move down the levels without being rewritten,
  // so each entry is compressed once.
  family.compression = rocksdb::kLZ4Compression;
  family.table_factory.reset(
      rocksdb::NewBlockBasedTableFactory(table_options(cache)));
  return family;
}

rocksdb::ColumnFamilyOptions index_options(
    const StoreOptions& options, const std::shared_ptr<rocksdb::Cache>& cache) {
  auto table = table_options(cache);
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  rocksdb::ColumnFamilyOptions family;
  family.write_buffer_size = options.index_buffer_bytes;
  family.max_write_buffer_number = 3;
  // A fresh table spans all kinds of keys, so merging a few of them rewrites
  // the whole index: 3.2 s of a processor for a million submits with the usual
  // 4 tables, 0.7 s with 12. Filters keep lookups in them cheap.
  family.level0_file_num_compaction_trigger = 12;
  family.level0_slowdown_writes_trigger = 30;
  family.level0_stop_writes_trigger = 40;
  family.memtable_whole_key_filtering = true;
  family.memtable_prefix_bloom_size_ratio = 0.05;
  family.compression = rocksdb::kLZ4Compression;
  family.merge_operator = std::make_shared<IndexMerge>();
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return family;
}

/// RocksDB tries to recover by itself when space returns, on a thread that can
/// end without a word (7.8.3); whoever closes the store then waits for ever.
class NoRecoveryOfItsOwn : public rocksdb::EventListener {
 public:
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status,
                            bool* begins) override {
    *begins = false;
  }
};

/// `log_dir`: where RocksDB's own log goes; empty: nowhere.
rocksdb::DBOptions db_options(const StoreOptions& options, rocksdb::Env* env,
                              const std::filesystem::path& log_dir) {
  rocksdb::DBOptions db;
  db.env = env;
  db.create_if_missing = true;
  db.create_missing_column_families = true;
  db.paranoid_checks = true;
  // A torn end of the log is what a power cut leaves. That nothing synced is
  // missing is checked before (wal_check) and after (the synced mark).
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  // Overwriting an old log file saves the inode's update at each sync:
  // 6,600 syncs/s against 1,100 on ext4 on a virtual disk.
  db.recycle_log_file_num = 2;
  // The index's memtable writes no log but holds old log files back.
  db.max_total_wal_size = 2 * options.log_buffer_bytes;
  db.allow_concurrent_memtable_write = false;  // One writer.
  db.max_background_jobs = 2;
  db.max_open_files = 512;
  // Recovery from errors is ours: the log's order must be checked first.
  db.max_bgerror_resume_count = 0;
  db.listeners = {std::make_shared<NoRecoveryOfItsOwn>()};
  db.max_manifest_file_size = 4 << 20;
  db.stats_dump_period_sec = 0;
  db.stats_persist_period_sec = 0;
  db.info_log = make_rocks_log(log_dir);
  return db;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != text.npos;
}

}  // namespace

Error rocks_error(std::string_view what, const rocksdb::Status& status) {
  std::string text = status.ToString();
  std::ranges::replace(text, '\n', ' ');
  while (text.ends_with(' ')) text.pop_back();
  const auto error = [&](Errc code, std::string_view advice) {
    return Error{code, std::string(what) + ": " + text + std::string(advice)};
  };
  if (status.IsNoSpace() || contains(text, "No space left"))
    return error(Errc::disk_full, "; free space");
  if (contains(text, "While lock file") || contains(text, "lock hold by"))
    return error(Errc::locked, "; another process has it open");
  if (contains(text, "Read-only file system"))
    return error(Errc::read_only, "; mount it writable");
  if (contains(text, "Permission denied")) return error(Errc::denied, "");
  if (status.IsCorruption() || contains(text, "No such file"))
    return error(Errc::corrupt, kRestore);
  return error(Errc::io_error, "");
}

std::string without_advice(std::string damage) {
  if (damage.ends_with(kRestore))
    damage.resize(damage.size() - kRestore.size());
  return damage;
}

std::filesystem::path log_damage_file(const std::filesystem::path& dir) {
  return dir / "log.damaged";
}

void tell_of_new_index(const StoreOptions& options, const std::string& damage) {
  if (options.tell)
    options.tell("the index is damaged and is made anew from the log: " +
                 without_advice(damage));
}

Database::~Database() {
  if (!db_) return;
  for (auto* family : families_) db_->DestroyColumnFamilyHandle(family);
  db_->Close().PermitUncheckedError();  // What is not on disk is in the log.
}

namespace {

std::vector<rocksdb::ColumnFamilyDescriptor> families(
    const StoreOptions& options) {
  const auto cache = rocksdb::NewLRUCache(options.cache_bytes, 2);
  rocksdb::ColumnFamilyOptions meta;
  meta.write_buffer_size = 256 * 1024;
  rocksdb::BlockBasedTableOptions table = table_options(cache);
  meta.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return {{rocksdb::kDefaultColumnFamilyName, meta},
          {"log", log_options(options, cache)},
          {"index", index_options(options, cache)}};
}

std::shared_ptr<rocksdb::FileSystem> file_system(const StoreOptions& options) {
  return options.file_system ? options.file_system
                             : rocksdb::FileSystem::Default();
}

}  // namespace

Result<std::unique_ptr<Database>> Database::open_as(
    const std::filesystem::path& dir, const StoreOptions& options,
    Checks checks) {
  std::unique_ptr<Database> self{new Database};
  self->env_ = rocksdb::NewCompositeEnv(with_synced_manifests(
      with_prefilled_logs(file_system(options), options.log_buffer_bytes,
                          /*ahead=*/!options.file_system)));
  auto described = families(options);
  self->index_options_ = described[2].options;
  auto opening = db_options(options, self->env_.get(), dir);
  if (checks == Checks::log_only) {
    opening.paranoid_checks = false;
    for (auto& family : described)
      family.options.disable_auto_compactions = true;
  }
  rocksdb::DB* db = nullptr;
  const auto status = rocksdb::DB::Open(opening, dir.string(), described,
                                        &self->families_, &db);
  if (!status.ok()) return rocks_error("open " + dir.string(), status);
  self->db_.reset(db);
  self->remember_damage_in(dir);
  self->tell_ = options.tell;
  self->log_damage_file_ = log_damage_file(dir);
  std::error_code ignored;  // What is still damaged is found again.
  std::filesystem::remove(self->log_damage_file_, ignored);
  return self;
}

Result<std::unique_ptr<Database>> Database::open(
    const std::filesystem::path& dir, const StoreOptions& options) {
  if (const auto cut = cut_torn_manifest(dir); !cut) return cut.error();
  auto opened = open_as(dir, options, Checks::strict);
  if (opened || opened.error().code != Errc::corrupt) return opened;
  if (const auto mended = replace_index(dir, options, opened.error()); !mended)
    return opened;
  return open_as(dir, options, Checks::strict);
}

// RocksDB opens no family without all others, and none with a table whose
// frame is damaged. Without its checks it does; so they are left out once,
// after the log was opened and read with them, to drop the index.
Status Database::replace_index(const std::filesystem::path& dir,
                               const StoreOptions& options, const Error& why) {
  {
    const auto log = open_log_read_only(dir, options);
    if (!log) return log.error();
    if (const auto whole = (*log)->read_whole_log(); !whole) return whole;
  }
  auto lax = open_as(dir, options, Checks::log_only);
  if (!lax) return lax.error();
  tell_of_new_index(options, why.message);
  return (*lax)->clear_index();
}

Result<std::unique_ptr<Database>> Database::open_read_only(
    const std::filesystem::path& dir, const StoreOptions& options) {
  return open_to_read(dir, options, families(options));
}

Result<std::unique_ptr<Database>> Database::open_log_read_only(
    const std::filesystem::path& dir, const StoreOptions& options) {
  auto described = families(options);
  described.pop_back();
  return open_to_read(dir, options, described);
}

Result<std::unique_ptr<Database>> Database::open_to_read(
    const std::filesystem::path& dir, const StoreOptions& options,
    const Families& described) {
  const auto end = read_manifest_end(dir);
  if (!end) return end.error();
  std::unique_ptr<Database> self{new Database};
  self->env_ =
      rocksdb::NewCompositeEnv(with_cut_manifest(file_system(options), *end));
  auto opening = db_options(options, self->env_.get(), {});
  opening.create_if_missing = false;
  opening.create_missing_column_families = false;
  rocksdb::DB* db = nullptr;
  const auto status = rocksdb::DB::OpenForReadOnly(
      opening, dir.string(), described, &self->families_, &db);
  if (!status.ok()) return rocks_error("open " + dir.string(), status);
  self->db_.reset(db);
  self->remember_damage_in(dir);
  return self;
}

Status Database::clear_index() {
  auto status = db_->DropColumnFamily(families_[2]);
  if (!status.ok()) return rocks_error("drop the index", status);
  db_->DestroyColumnFamilyHandle(families_[2]);
  families_.pop_back();
  rocksdb::ColumnFamilyHandle* fresh = nullptr;
  status = db_->CreateColumnFamily(index_options_, "index", &fresh);
  if (!status.ok()) return rocks_error("create the index", status);
  families_.push_back(fresh);
  std::error_code ignored;  // What stays costs the next opening the same.
  std::filesystem::remove(damage_file_, ignored);
  damaged_ = false;
  return ok();
}

// -- damage -------------------------------------------------------------------

void Database::remember_damage_in(const std::filesystem::path& dir) {
  damage_file_ = dir / "index.damaged";
  std::error_code ignored;
  damaged_ = std::filesystem::exists(damage_file_, ignored);
}

Error Database::index_error(const rocksdb::Status& status) const {
  auto error = rocks_error("read the index", status);
  return error.code == Errc::corrupt ? damaged(status.ToString()) : error;
}

Error Database::index_error(const std::string& what) const {
  return damaged("the entry of " + what + " makes no sense");
}

Error Database::damaged(const std::string& text) const {
  if (!damaged_.exchange(true))  // Not on disk: the next read finds it again.
    (void)platform::write_file_atomically(damage_file_, text);
  return {Errc::corrupt, "read the index: " + text +
                             "; restart the node: it makes the index anew "
                             "from the log"};
}

Error Database::read_error(std::string_view what,
                           const rocksdb::Status& status) const {
  auto error = rocks_error(what, status);
  if (error.code != Errc::corrupt || log_damage_file_.empty() ||
      log_damaged_.exchange(true))
    return error;
  (void)platform::write_file_atomically(log_damage_file_, error.message);
  if (tell_) tell_("the store is damaged: " + error.message);
  return error;
}

void Database::blame(const rocksdb::Status& status) const {
  if (!status.IsCorruption()) return;
  const auto text = status.ToString();
  std::vector<rocksdb::LiveFileMetaData> tables;
  db_->GetLiveFilesMetaData(&tables);
  for (const auto& table : tables)
    if (table.column_family_name == "index" && contains(text, table.name))
      (void)damaged(text);
}

std::string Database::index_damage() const {
  const auto text = platform::read_file(damage_file_);
  return text ? *text : "a read has failed";
}

Status Database::read_whole_log() const {
  rocksdb::ReadOptions reading;
  reading.readahead_size = 2 << 20;
  reading.fill_cache = false;
  const std::unique_ptr<rocksdb::Iterator> it{db_->NewIterator(reading, log())};
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
  }
  if (!it->status().ok()) return read_error("read the log", it->status());
  return ok();
}

}  // namespace troupe::storage
