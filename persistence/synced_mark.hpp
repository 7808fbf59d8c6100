// How far the log was on disk, in a file of its own that is written after
// each sync and never synced itself: it may lag after a power cut, but never
// says more than is true. A log that ends before it has lost entries.
#pragma once

#include <cstdint>
#include <filesystem>

#include "core/result.hpp"
#include "platform/fd.hpp"

namespace troupe::storage {

class SyncedMark {
 public:
  struct Value {
    std::uint64_t index = 0;     // Of the log.
    std::uint64_t sequence = 0;  // RocksDB's, of the same write.
  };

  /// Of `path`, left as it is; zero when there is none.
  static Result<Value> read(const std::filesystem::path& path);

  /// Creates `path` when missing; its value is zero then.
  static Result<SyncedMark> open(const std::filesystem::path& path);

  /// A mark of `value` at `path`, synced: for a copy of the log.
  static Status write(const std::filesystem::path& path, const Value& value);

  const Value& value() const { return value_; }
  /// Best effort: a mark that lags is still true.
  void advance(const Value& value);

 private:
  SyncedMark(platform::Fd fd, Value value)
      : fd_{std::move(fd)}, value_{value} {}
  platform::Fd fd_;
  Value value_;
};

}  // namespace troupe::storage
