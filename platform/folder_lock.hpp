// The right to be the only process that writes in a data folder.
#pragma once

#include <filesystem>
#include <string_view>

#include "core/result.hpp"
#include "platform/fd.hpp"

namespace troupe::platform {

/// Held until destroyed or until the process ends, by whatever cause. Not
/// inherited by programs that this process starts.
class FolderLock {
 public:
  /// Locks `dir`/`name` (created when missing) and writes this process's id
  /// into it. Errors: locked (the message names the holder), not_found (no
  /// such folder), denied, read_only, disk_full, io_error.
  /// A holder that is ending is waited for: `patience_ms`, or longer where it
  /// is dead and only what it was starting has the lock.
  static Result<FolderLock> acquire(const std::filesystem::path& dir,
                                    std::string_view name = "lock",
                                    int patience_ms = 0);

 private:
  explicit FolderLock(Fd fd) : fd_{std::move(fd)} {}
  Fd fd_;
};

}  // namespace troupe::platform
