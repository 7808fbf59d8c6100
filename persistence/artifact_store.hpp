// Output and input files, content-addressed by SHA-256. A file is here whole
// and durable or not at all. Knows nothing of jobs: whoever removes asks the
// job store first.
//
//   DIR/objects/ab/abcdef...   whole files, read-only
//   DIR/uploads/abcdef....part what has arrived of an upload
//   DIR/uploads/abcdef....kept an upload that nobody may refer to yet
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

#include "core/api.hpp"
#include "core/result.hpp"
#include "persistence/artifact_checks.hpp"

namespace troupe {

struct ArtifactOptions {
  std::uint64_t max_bytes = 64ull << 30;  // Of one artifact.
  /// Uploads stop where they would leave less; what jobs made is still saved.
  std::uint64_t low_water_bytes = 0;
  /// Called where what a job made meets a full disk, which is then tried once
  /// more; of any thread. Empty: nothing can be given up.
  std::function<void()> make_room;
  std::function<std::uint64_t()> free_bytes;  // For tests; empty: the disk's.
  // For tests: a planted defect that the proofs must catch.
  bool skip_directory_sync = false;
};

/// Safe to call from every thread.
class ArtifactStore {
 public:
  /// Creates what is missing and removes temporaries of an earlier life.
  static Result<std::unique_ptr<ArtifactStore>> open(
      const std::filesystem::path& dir, ArtifactOptions options);

  /// Begins or resumes: the answer says from where. One that is here already
  /// and whole is complete at once; a damaged one is removed, so that the
  /// upload mends it. Errors: invalid_argument (no SHA-256), too_large,
  /// disk_full, read_only, io_error.
  Result<UploadState> begin(const UploadBegin& upload);

  /// Bytes at the upload's offset; the last ones make it an artifact, durable
  /// when this returns. Errors: not_found (not begun), stale (another offset:
  /// ask begin() again), corrupt (the whole has another hash: it begins
  /// anew), too_large (more than promised), disk_full, ...
  Result<UploadState> append(const UploadChunk& chunk);

  /// Keeps a copy of `file`, which nothing removes before it is named() or
  /// expires: the job's end that names it is not on disk yet. A restart
  /// forgets that, as it loses every attempt whose end was not on disk. A
  /// damaged artifact of the same bytes is replaced. A full disk is tried
  /// again after make_room().
  /// Errors: not_found, too_large, disk_full, ...
  Result<ArtifactRef> save(const std::filesystem::path& file,
                           const std::string& name,
                           const std::string& media_type);

  /// Gives up what is held back for running jobs.
  void make_room();

  /// Unchecked: the reader of the whole compares its hash.
  /// Errors: not_found, invalid_argument (beyond the end), io_error.
  Result<ChunkReply> read(const DownloadChunk& chunk) const;

  /// A copy at `to`, which must not exist, with the right hash. Errors:
  /// not_found, corrupt (damaged here; nothing is left at `to`), disk_full,
  /// io_error.
  Status fetch(const std::string& sha256,
               const std::filesystem::path& to) const;

  bool has(const std::string& sha256) const;

  /// An end that names these by their hash is on disk: each takes back one
  /// save().
  void named(std::span<const std::string> files);

  /// Removes the artifact unless `referred` says that somebody names it, or an
  /// upload or a save() keeps it. True: removed.
  using Referred = std::function<Result<bool>(const std::string& sha256)>;
  Result<bool> remove(const std::string& sha256, const Referred& referred);

  /// Ends uploads and saves that are older than `age_ms`, and removes files of
  /// that age that no job came to name.
  Status expire_uploads(UnixMs now, std::int64_t age_ms,
                        const Referred& referred);

  /// Links or copies every file to `dir`, from where open() takes it; files
  /// that arrive meanwhile may be missing. Errors: disk_full, ...
  Status backup(const std::filesystem::path& dir) const;

  const std::filesystem::path& dir() const { return dir_; }

 private:
  ArtifactStore(std::filesystem::path dir, ArtifactOptions options)
      : dir_{std::move(dir)}, options_{std::move(options)} {}

  std::filesystem::path object(std::string_view sha256) const;
  std::filesystem::path part(const std::string& sha256) const;
  std::filesystem::path kept(const std::string& sha256) const;
  Result<ArtifactRef> save_once(const std::filesystem::path& file,
                                const std::string& name,
                                const std::string& media_type);
  Status keep(const std::string& sha256);
  Status room_for(std::uint64_t bytes) const;
  Status become(const std::filesystem::path& from, const std::string& sha256);
  Result<UploadState> complete(const std::string& sha256, std::uint64_t bytes);
  Status remove_if_damaged(const std::string& sha256);
  bool pin(const std::string& sha256);
  void unpin(const std::string& sha256);

  const std::filesystem::path dir_;
  const ArtifactOptions options_;
  ArtifactChecks checks_;
  std::mutex mutex_;  // Guards what follows, the files below uploads/, and
                      // removals against what keeps a file.
  std::map<std::string, std::uint64_t> uploads_;  // Promised bytes, by hash.
  std::multimap<std::string, UnixMs> pins_;  // Saves that no end names yet.
};

/// 64 lower-case hexadecimal digits.
bool is_sha256(std::string_view text);

}  // namespace troupe
