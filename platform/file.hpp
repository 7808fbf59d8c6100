// Files that survive a power cut: writing, syncing, renaming, preallocating.
// Knows nothing of what the bytes mean.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "platform/fd.hpp"

namespace troupe::platform {

/// All of these open with O_CLOEXEC. Errors: those of errno_error().
Result<Fd> open_read(const std::filesystem::path& path);
/// Creates or truncates.
Result<Fd> open_write(const std::filesystem::path& path, unsigned mode = 0600);
/// Creates when missing; every write goes to the end.
Result<Fd> open_append(const std::filesystem::path& path, unsigned mode = 0600);
/// For writing to what is there: a device, a terminal, a FIFO (waits for its
/// reader). Creates and truncates nothing.
Result<Fd> open_existing(const std::filesystem::path& path);
/// Creates; already_exists when there is one.
Result<Fd> create_new(const std::filesystem::path& path, unsigned mode = 0600);

/// Writes every byte or fails; after an error some bytes may be written.
Status write_all(int fd, std::string_view bytes);
/// As write_all, at `offset`; the file position does not move.
Status write_all_at(int fd, std::string_view bytes, std::uint64_t offset);
/// Reads up to `limit` bytes at `offset`; fewer only at the end of the file.
Result<std::string> read_at(int fd, std::uint64_t offset, std::size_t limit);
/// As read_at, into the caller's memory; says how many bytes it filled.
Result<std::size_t> read_into(int fd, std::uint64_t offset,
                              std::span<std::byte> out);

/// Asks the system to bring these bytes to memory, without waiting. Advice.
void read_ahead(int fd, std::uint64_t offset, std::uint64_t bytes);

/// The whole file. Errors: too_large when it holds over `limit_bytes`.
Result<std::string> read_file(const std::filesystem::path& path,
                              std::uint64_t limit_bytes = 64u << 20);

Result<std::uint64_t> file_size(int fd);

/// What people are told of a symbolic link that leads to itself.
std::string link_circle(const std::filesystem::path& path);

/// fsync: content and metadata are on disk when it returns.
Status sync_file(int fd);
/// fdatasync: content and the size needed to read it.
Status sync_data(int fd);
/// Makes the names in `dir` durable (creations, renames, removals).
Status sync_dir(const std::filesystem::path& dir);

/// rename, then sync of both folders. `from` must be synced by the caller.
Status rename_durably(const std::filesystem::path& from,
                      const std::filesystem::path& to);

/// Creates `dir` and its missing parents with `mode`, each made durable.
Status make_dirs(const std::filesystem::path& dir, unsigned mode = 0700);

/// After ok() `path` holds exactly `bytes`, durably; after an error or a
/// crash it holds either the old or the new content, never a mixture.
Status write_file_atomically(const std::filesystem::path& path,
                             std::string_view bytes, unsigned mode = 0600);

/// Hard link where the file system allows it, else a copy (not synced).
/// Errors: already_exists when `to` exists.
Status link_or_copy(const std::filesystem::path& from,
                    const std::filesystem::path& to);
/// A copy with bytes of its own, so that a writer of `to` cannot change
/// `from`. Shares blocks where the file system can (reflink). Not synced.
Status clone_file(const std::filesystem::path& from,
                  const std::filesystem::path& to, unsigned mode = 0600);

/// Reserves blocks for [0, bytes). Errors: disk_full and nothing kept beyond
/// what the file held; file systems without fallocate get zeros written.
Status preallocate(int fd, std::uint64_t bytes);

/// denied when others may read or use `path`, with what is to be done; `what`
/// names it ("private key", "folder of keys"). A missing one is no error here.
Status check_private(const std::filesystem::path& path,
                     const std::string& what);

struct DiskSpace {
  std::uint64_t total_bytes = 0;
  std::uint64_t free_bytes = 0;  // For this user.
  bool read_only = false;
};
Result<DiskSpace> disk_space(const std::filesystem::path& dir);

/// A file under construction: a temporary name, written in pieces, that
/// becomes `path` at commit. Dropping it uncommitted removes it.
class AtomicFile {
 public:
  /// The temporary lies in `dir`, which must be on the file system of the
  /// final path; its name ends in ".tmp", so that a start-up can sweep.
  static Result<AtomicFile> create(const std::filesystem::path& dir,
                                   unsigned mode = 0600);
  AtomicFile(AtomicFile&&) noexcept = default;
  AtomicFile& operator=(AtomicFile&& other) noexcept;
  ~AtomicFile();

  Status write(std::string_view bytes);
  std::uint64_t size() const { return size_; }
  int fd() const { return fd_.get(); }
  const std::filesystem::path& temporary() const { return temporary_; }

  /// sync, rename to `path` (replacing what is there), sync of both folders.
  /// REQUIRES: not committed before. After an error the temporary is removed
  /// with the object and `path` holds either what it held or all of the new
  /// content.
  Status commit(const std::filesystem::path& path);

 private:
  AtomicFile(Fd fd, std::filesystem::path temporary)
      : fd_{std::move(fd)}, temporary_{std::move(temporary)} {}
  void discard();

  Fd fd_;
  std::filesystem::path temporary_;
  std::uint64_t size_ = 0;
};

}  // namespace troupe::platform
