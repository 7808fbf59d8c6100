// Sets of jobs in the index, walked from the newest down.
#pragma once

#include <rocksdb/db.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/job.hpp"
#include "persistence/format.hpp"
#include "persistence/rocks.hpp"

namespace troupe::storage {

/// Yields spec_indexes; asked with falling arguments it reads forward only.
class Cursor {
 public:
  virtual ~Cursor() = default;
  /// The largest member <= `at_most`; nothing when there is none, and for ever
  /// after a read error, which status() tells.
  virtual std::optional<std::uint64_t> seek(std::uint64_t at_most) = 0;
  virtual rocksdb::Status status() const = 0;

  bool contains(std::uint64_t index) { return seek(index) == index; }
};

using Cursors = std::vector<std::unique_ptr<Cursor>>;

/// Jobs with `value` as `attribute`.
std::unique_ptr<Cursor> posting_cursor(const Database& base,
                                       const rocksdb::ReadOptions& reading,
                                       Attribute attribute,
                                       std::string_view value);
/// Jobs in a live state.
std::unique_ptr<Cursor> live_cursor(const Database& base,
                                    const rocksdb::ReadOptions& reading,
                                    JobState state);
/// All jobs.
std::unique_ptr<Cursor> job_cursor(const Database& base,
                                   const rocksdb::ReadOptions& reading);
/// Jobs in a window whose times meet [since, until).
std::unique_ptr<Cursor> time_cursor(const Database& base,
                                    const rocksdb::ReadOptions& reading,
                                    UnixMs since_ms, UnixMs until_ms);
/// Members of any. REQUIRES: at least one.
std::unique_ptr<Cursor> union_cursor(Cursors parts);
/// Members of all. REQUIRES: at least one.
std::unique_ptr<Cursor> intersection_cursor(Cursors parts);

}  // namespace troupe::storage
