// Files of a head as a client sees them: what an upload may say of itself and
// a reader of one stored artifact. Made by client::Client.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/job.hpp"
#include "core/result.hpp"

namespace troupe::client {

/// Bytes so far and in all; called on the caller's thread, after each chunk.
using FileProgress =
    std::function<void(std::uint64_t done_bytes, std::uint64_t total_bytes)>;

struct UploadOptions {
  std::string name = {};        // Empty: the file's own name.
  std::string media_type = {};  // Empty: guessed from the name.
  FileProgress progress = {};
  /// The longest time without a byte moving; 0: Options::timeout_ms.
  std::int64_t stall_timeout_ms = 0;
};

/// Takes the next bytes of a file; an error ends the transfer.
using ByteSink = std::function<Status(std::string_view bytes)>;

struct DownloadOptions {
  bool resume = true;  // Go on from what an earlier call left in TO.part.
  FileProgress progress = {};
  std::int64_t stall_timeout_ms = 0;  // As in UploadOptions.
};

class Connection;

/// One stored file. Safe to use from one thread at a time; must not outlive
/// its Client.
class ArtifactReader {
 public:
  ArtifactReader(Connection& connection, std::string sha256,
                 std::uint64_t size_bytes, std::int64_t timeout_ms);

  std::uint64_t size_bytes() const { return size_bytes_; }
  const std::string& sha256() const { return sha256_; }

  /// At most max_bytes from `offset`; fewer only at the end of the file,
  /// empty beyond it. The reader does not check the file's hash.
  /// Errors: not_found, timeout, unavailable.
  Result<std::string> read(std::uint64_t offset, std::uint32_t max_bytes) const;

  /// The whole file, durable under `to` only when its hash is right; until
  /// then it grows in TO.part, from where a later call goes on. A TO.part of
  /// other bytes is begun anew. A new file has the mode that the umask allows,
  /// one that is replaced keeps its own. A symbolic link is followed: the file
  /// it leads to is replaced. What is neither a file nor a folder (a device, a
  /// FIFO) is written to, as by stream(); a FIFO whose reader leaves raises
  /// SIGPIPE (ignored: io_error).
  /// Errors: corrupt (wrong hash: damaged at the head; TO.part is removed),
  /// timeout, unavailable, and those of the local file system.
  Status download(const std::filesystem::path& to,
                  const DownloadOptions& options = {}) const;

  /// Every byte, in order, to `take` on the caller's thread. The hash is
  /// compared at the end, when `take` has had them all: what it made of them
  /// is worth nothing without ok(). Errors: corrupt, timeout, unavailable, and
  /// those of `take`.
  Status stream(const ByteSink& take,
                const DownloadOptions& options = {}) const;

 private:
  Status transfer(std::uint64_t from, const ByteSink& take,
                  const DownloadOptions& options) const;
  Status download_file(const std::filesystem::path& to,
                       const DownloadOptions& options) const;

  Connection& connection_;
  std::string sha256_;
  std::uint64_t size_bytes_;
  std::int64_t timeout_ms_;
};

}  // namespace troupe::client
