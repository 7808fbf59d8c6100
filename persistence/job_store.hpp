// The durable history of every job: one ordered log, indexes built behind it,
// retention. Decides nothing about jobs; refuses changes that the log does
// not allow. Keys and values: docs/storage.md.
//
// Threads: members under "writer" belong to one thread at a time; all others
// may be called from any thread and never hold the writer up for long.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/api.hpp"
#include "core/change.hpp"
#include "core/job.hpp"
#include "core/result.hpp"

namespace rocksdb {
class FileSystem;
}

namespace troupe {

struct StoreOptions {
  bool sync = true;  // false: commits never sync; a power cut loses the last.
  std::uint64_t log_buffer_bytes = 16u << 20;  // Each of two memtables.
  std::uint64_t index_buffer_bytes = 8u << 20;
  std::uint64_t cache_bytes = 16u << 20;
  std::uint32_t max_unindexed = 65'536;  // Entries; then commit() indexes.
  std::uint32_t max_record_bytes = 1u << 20;
  /// Of what one query answers, so that it fits into one frame. A job that is
  /// larger alone is listed without what makes it large.
  std::uint32_t max_page_bytes = 56 * 1024;
  std::uint64_t reserve_bytes = 64u << 20;  // Given up when the disk is full.
  std::uint64_t low_water_bytes = 256u << 20;  // Below: no submits.
  /// What an operator should know, a line at a time; empty: nobody does.
  std::function<void(const std::string&)> tell;

  // For tests.
  std::shared_ptr<rocksdb::FileSystem> file_system;  // Null: the system's.
  std::function<std::uint64_t()> free_bytes;         // Empty: asks the disk.
  struct TestHooks {
    bool answer_before_sync = false;  // A planted defect.
  } test_hooks;
};

/// Terminal jobs beyond either limit are forgotten, oldest end first.
struct RetentionPolicy {
  std::int64_t max_age_ms = 0;  // Since the end; 0: no limit.
  std::uint64_t max_jobs = 0;   // Terminal ones; 0: no limit.
  std::uint32_t max_per_step = 256;
};

struct RetainResult {
  bool more = false;                  // Call again.
  std::uint32_t forgotten = 0;        // Jobs, in this step.
  std::vector<std::string> orphaned;  // Artifacts nobody refers to any more.
};

/// What a scheduler needs of a live job to rebuild its queue.
struct LiveJob {
  JobSummary summary;
  std::string kind;
  std::string model;
  std::string tenant;
  std::string device;  // Pinned to; empty: any.
  Priority priority = Priority::normal;
  OnLost on_lost = OnLost::retry;
  std::uint64_t memory_bytes = 0;
  UnixMs submitted_ms = 0;
  std::optional<UnixMs> not_before_ms;  // As submitted; back-off: summary.
  std::optional<UnixMs> deadline_ms;
  std::optional<std::int64_t> timeout_ms;
  RetryPolicy retry;
  std::vector<JobId> depends_on;
};

class JobStore {
 public:
  /// Locks `dir` (created when missing), recovers, raises the epoch and syncs
  /// an `opened` entry. A copy made by backup() draws a new store id.
  /// Errors: locked, corrupt (names the file; a backup that was not finished),
  /// read_only, disk_full, denied, io_error.
  static Result<std::unique_ptr<JobStore>> open(
      const std::filesystem::path& dir, const StoreOptions& options,
      UnixMs now);
  ~JobStore();
  JobStore(const JobStore&) = delete;
  JobStore& operator=(const JobStore&) = delete;

  std::uint64_t epoch() const;  // Number of this opening.
  const std::string& store_id() const;
  std::uint64_t last_index() const;     // Of the log.
  std::uint64_t indexed_index() const;  // The indexes' watermark.

  // -- writer -----------------------------------------------------------------

  /// Appends all changes or none, in one batch; the index of the first. With
  /// `sync`, they and everything before are on disk when it returns.
  /// Errors: corrupt (a move the log does not allow), already_exists (a
  /// submit of a known id), forgotten, not_found, too_large, disk_full,
  /// read_only, io_error; after any error nothing of it is or becomes
  /// visible.
  Result<std::uint64_t> commit(std::span<const Change> changes, bool sync);

  /// Indexes up to about `max_jobs` jobs behind the log; true: more to do.
  /// Goes no further than the log is synced: what an unsynced commit brought
  /// waits for the next synced one.
  Result<bool> index_step(std::size_t max_jobs);

  /// Forgets what the policy does not keep: never a live job, one that a live
  /// job depends on, or one for which `pinned` (may be empty) is true.
  Result<RetainResult> retain_step(const RetentionPolicy& policy, UnixMs now,
                                   const std::function<bool(JobId)>& pinned);

  /// Looks at the disk again: stops or resumes accepting, recovers from write
  /// errors once the disk takes writes. Call every second or so. A commit with
  /// submits looks too, but does not resume.
  void refresh();

  /// Makes an index that a read has found damaged anew from the log. Nobody
  /// reads meanwhile: call it where a start waits anyway.
  void mend_index();

  // -- any thread -------------------------------------------------------------

  /// Gives the space up that is held back for running jobs: one of them meets
  /// a full disk. refresh() takes it again when there is room.
  void give_up_reserve();

  /// ok(), or why submits are refused now.
  Status accepting() const;

  /// Errors of all of these: not_found, forgotten, corrupt (names the file;
  /// where it is the index, mend_index() or the next open() makes it anew),
  /// io_error.
  Result<JobSummary> summary(JobId id) const;
  Result<JobView> view(JobId id) const;
  Result<JobSpec> spec(JobId id) const;
  Result<JobEnd> end(JobId id) const;  // unavailable: not terminal.
  /// In the order asked.
  Result<std::vector<JobSpec>> specs(
      std::span<const std::uint64_t> spec_index) const;

  /// Entries of one job with seq > after_seq, in order. At least one if there
  /// is one, then as many as fit.
  Result<std::vector<LogEntry>> job_events(JobId id, std::uint32_t after_seq,
                                           std::size_t max,
                                           std::size_t max_bytes) const;
  /// Entries of all jobs with index > after, in order. Indices have holes
  /// where retention removed jobs.
  Result<std::vector<LogEntry>> log_after(std::uint64_t after, std::size_t max,
                                          std::size_t max_bytes) const;

  /// Newest first; exact as of the call, whatever is indexed.
  Result<ListReply> list(const ListRequest& request) const;

  /// Every live job, in queue order.
  Status for_each_live(const std::function<void(const LiveJob&)>& fn) const;

  /// Every `control` entry, in order: administrators' orders and who gave them.
  Result<std::vector<LogEntry>> controls() const;

  /// True while a job that is not forgotten names it (input or output).
  Result<bool> refers_to(const std::string& sha256) const;

  /// A copy to start from, taken live; unfinished until finish_backup(), once
  /// the files of its jobs are there, too. Errors: already_exists, disk_full,
  /// ...
  Status backup(const std::filesystem::path& dir) const;
  /// Reads every table first. Errors: corrupt (the copy stays unfinished),
  /// io_error.
  static Status finish_backup(const std::filesystem::path& dir);

 private:
  struct Impl;
  explicit JobStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace troupe
