// The inside of JobStore, shared by the files that implement it.
//
// The index runs behind the log by generations: `fresh` takes what commits
// bring; index_step() freezes it (everything in it is synced) and writes it
// into the index piece by piece; with the last piece the watermark moves.
// Until then readers find its jobs in memory, afterwards in the index. What
// the index says of a job that is in memory is never believed.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "persistence/job_store.hpp"
#include "persistence/rocks.hpp"
#include "persistence/synced_mark.hpp"
#include "persistence/tail.hpp"
#include "platform/folder_lock.hpp"

namespace troupe {

namespace storage {

inline rocksdb::Slice slice(std::string_view bytes) {
  return {bytes.data(), bytes.size()};
}
inline std::string_view bytes_of(const rocksdb::Slice& bytes) {
  return {bytes.data(), bytes.size()};
}

/// The value, or nothing when there is none.
Result<std::optional<std::string>> get(const Database& base,
                                       rocksdb::ColumnFamilyHandle* family,
                                       std::string_view key,
                                       const rocksdb::Snapshot* at = nullptr);

/// corrupt: the store in `dir` is a copy that was not made to its end.
Status check_finished(const std::filesystem::path& dir);

/// Every table of a copy is read. Errors: corrupt, io_error.
Status check_copy(const std::filesystem::path& dir);

/// Of the log; nothing: it is empty.
Result<std::optional<LogEntry>> newest_entry(const Database& base);

std::filesystem::path database_dir(const std::filesystem::path& dir);

/// corrupt: `what` is damaged `where` (may be empty), so that of the entries
/// up to `need` only those up to `have` (0: unknown) are left.
Error lost(const std::filesystem::path& what, std::uint64_t have,
           std::uint64_t need, std::string_view where);

/// Gives its snapshot back.
class SnapshotGuard {
 public:
  explicit SnapshotGuard(rocksdb::DB& db) : db_{db}, at_{db.GetSnapshot()} {}
  ~SnapshotGuard() { db_.ReleaseSnapshot(at_); }
  SnapshotGuard(const SnapshotGuard&) = delete;
  SnapshotGuard& operator=(const SnapshotGuard&) = delete;
  const rocksdb::Snapshot* get() const { return at_; }

 private:
  rocksdb::DB& db_;
  const rocksdb::Snapshot* at_;
};

/// One write into the index under construction. Each kind of key gathers for
/// itself: they ascend, and RocksDB's memtable goes on where the last key went
/// in, without a search.
struct IndexWrite {
  struct Entry {
    std::string key;
    std::optional<std::string> value;  // Nothing: the key is deleted.
  };
  void put(std::string key, std::string value = {}) {
    auto& same_kind = kinds[key[1]];
    same_kind.push_back({std::move(key), std::move(value)});
  }
  void erase(std::string key) {
    auto& same_kind = kinds[key[1]];
    same_kind.push_back({std::move(key), std::nullopt});
  }
  std::map<char, std::vector<Entry>> kinds;  // By the key's second byte.
  std::map<std::string, std::string> added;  // Posting lists.
  std::map<std::string, std::set<std::uint16_t>> removed;  // Likewise.
  std::map<std::string, Zone> zones;                       // By key.
};

inline bool is_of_a_job(ChangeType type) {
  return type != ChangeType::opened && type != ChangeType::control &&
         type != ChangeType::forgotten;
}

}  // namespace storage

/// Drops what ListRequest::brief leaves out.
void make_brief(JobView& view);

struct JobStore::Impl {
  using TailJob = storage::TailJob;
  /// What a batch is about to do to the tail. A job of `fresh` changes in its
  /// place, once the batch is written.
  struct Staged {
    struct Known {
      TailJob* job = nullptr;  // In `fresh`.
      JobSummary summary;      // As it will be.
    };
    struct Step {
      TailJob* job = nullptr;
      std::uint64_t index = 0;
      const Change* change = nullptr;
    };
    std::unordered_map<JobId, TailJob> arriving;  // In `fresh`.
    std::unordered_map<JobId, Known> known;
    std::vector<Step> steps;  // Of those known.
  };

  Impl(std::filesystem::path dir_in, StoreOptions options_in,
       storage::SyncedMark mark_in)
      : dir{std::move(dir_in)},
        options{std::move(options_in)},
        mark{std::move(mark_in)} {}

  // -- job_store.cpp: opening and writing; recovery.cpp: when that fails ------
  Status take_lock();
  /// Whether the log reaches so far, read without changing anything. Errors:
  /// what keeps it from being read.
  Result<bool> holds(std::uint64_t index) const;
  Status check_before_opening() const;
  Status open_database();
  Status check_nothing_lost() const;
  /// Everything in memory, from the database. A damaged index is made anew
  /// where the log can be read whole.
  Status load();
  Status load_once();
  Status replay();
  Status replay_entry(const LogEntry& entry);
  Result<std::string> take_store_id();
  Status open_epoch(UnixMs now);
  /// `submits`: some of them are; such may be refused.
  Status check(std::span<const Change> changes, bool submits) const;
  /// The job as it is after all commits, for the writer; nothing: no such id.
  Result<std::optional<TailJob>> current(JobId id);
  Status stage(std::uint64_t index, const Change& change, Staged& staged);
  static Status stage_known(std::uint64_t index, const Change& change,
                            Staged& staged, Staged::Known& known);
  Result<std::uint64_t> commit(std::span<const Change> changes, bool sync);
  Result<std::uint64_t> append(std::span<const Change> changes, bool sync,
                               rocksdb::WriteBatch& batch, Staged& staged);
  Status write(rocksdb::WriteBatch& batch, bool sync);
  Status recover();
  Status take_out_after(std::uint64_t index);
  Status look_at_space();
  void refuse(std::optional<Error> why);
  Status probe_disk() const;
  void keep_reserve();
  void drop_reserve();
  std::uint64_t free_bytes() const;

  // -- indexer.cpp ------------------------------------------------------------
  enum class Unsynced { leave, sync };
  Result<bool> index_step(std::size_t max_jobs, Unsynced unsynced);
  Status freeze();
  Status index_job(storage::IndexWrite& out, const TailJob& job);
  void index_new(storage::IndexWrite& out, const TailJob& job);
  Status index_live(storage::IndexWrite& out, const TailJob& job);
  Status index_end(storage::IndexWrite& out, const TailJob& job);
  Status remove_dependents(storage::IndexWrite& out, const TailJob& job);
  Status index_removal(storage::IndexWrite& out, const TailJob& job);
  Status finish(storage::IndexWrite& out);

  // -- queries.cpp ------------------------------------------------------------
  /// Of any thread. Errors: not_found, forgotten, corrupt, io_error.
  Result<TailJob> find(JobId id) const;
  Result<TailJob> find_indexed(JobId id) const;
  Result<LogEntry> entry(std::uint64_t index) const;
  Result<std::vector<std::uint64_t>> event_indices(const TailJob& job,
                                                   std::uint32_t after_seq,
                                                   std::size_t max) const;
  Result<JobView> view_of(const TailJob& job, bool brief) const;
  Error gone(JobId id) const;

  // -- retention.cpp ----------------------------------------------------------
  Result<RetainResult> retain(const RetentionPolicy& policy, UnixMs now,
                              const std::function<bool(JobId)>& pinned);
  Result<bool> is_needed(JobId id) const;
  Result<std::vector<std::string>> orphans(
      const std::vector<std::string>& artifacts,
      const std::set<std::uint64_t>& leaving) const;

  const std::filesystem::path dir;
  const StoreOptions options;
  std::optional<platform::FolderLock> lock;  // Of `dir`, for life.

  /// Held shared by readers of `base`, alone while it is replaced.
  mutable std::shared_mutex base_mutex;
  std::unique_ptr<storage::Database> base;

  /// Guards what follows, for moments only.
  mutable std::mutex tail_mutex;
  storage::Generation fresh;   // Takes commits.
  storage::Generation frozen;  // Being indexed; changes only by being dropped.
  JobId highest_id;            // Of all ever submitted: a higher one is new.

  std::atomic<std::uint64_t> last_index{0};
  std::atomic<std::uint64_t> indexed_index{0};
  std::uint64_t epoch = 0;
  std::string store_id;

  // The writer's own.
  storage::SyncedMark mark;
  std::uint64_t synced_index = 0;
  std::uint64_t fresh_entries = 0;
  bool indexing = false;                 // `frozen` is being written.
  std::vector<const TailJob*> to_index;  // Of `frozen`.
  storage::Generation done;              // The last one indexed: spares reads.
  storage::IndexMeta meta;
  std::uint64_t retained_after = 0;  // Where retention goes on.
  bool keep_surplus = false;  // What is being written may stay: see retain().
  std::string scratch;

  std::mutex reserve_mutex;  // While the file comes or goes.
  std::atomic<bool> has_reserve{false};

  mutable std::mutex refusal_mutex;
  std::optional<Error> refusal;      // Of submits.
  bool broken = false;               // It is for a write that failed.
  std::optional<Error> write_error;  // The writer's own: no writes at all.
};

}  // namespace troupe
