// The log of one attempt, on disk as it comes: the first lines and the newest
// ones within a limit, readable also when the process that wrote it was
// killed. Not synced: it is for people, and no record depends on it.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "platform/fd.hpp"

namespace troupe {

/// What a log lacks because a write failed: it ends with a whole line before.
struct UnwrittenLines {
  std::string why;  // "the disk is full"
  std::uint64_t count = 0;
  std::deque<std::string> newest;  // At most kUnwrittenKept.
};

inline constexpr std::size_t kUnwrittenKept = 20;

/// Files: PATH.head with the first half of the limit, then segments
/// PATH.tail-OFFSET of a quarter each, OFFSET being where the segment stands
/// in the whole; of these the newest two are kept.
class BoundedLog {
 public:
  /// Begins a new log, removing what lies under this name.
  /// REQUIRES: limit_bytes >= kMinLogBytes.
  static Result<BoundedLog> create(std::filesystem::path path,
                                   std::uint64_t limit_bytes);

  /// Adds a line and its end. After a failed write the log stays as it is: a
  /// full disk must not end the job; the error is returned once.
  Status append(std::string_view line);

  /// Nothing while every line could be written.
  const std::optional<UnwrittenLines>& unwritten() const { return unwritten_; }

 private:
  BoundedLog(std::filesystem::path path, std::uint64_t limit_bytes,
             platform::Fd head);
  Result<platform::Fd*> target(std::size_t bytes);
  void keep(std::string_view line);

  std::filesystem::path path_;
  std::uint64_t head_limit_;
  std::uint64_t segment_limit_;
  std::uint64_t written_ = 0;  // Of the whole, dropped lines included.
  platform::Fd file_;
  std::uint64_t file_bytes_ = 0;
  bool in_head_ = true;
  std::optional<UnwrittenLines> unwritten_;
  std::deque<std::filesystem::path> segments_;
};

inline constexpr std::uint64_t kMinLogBytes = 4096;  // Of one log.

/// The log as one text: head, a note of how much was dropped, tail. Works on
/// what a killed node left behind. Errors: not_found, io_error.
Result<std::string> read_log(const std::filesystem::path& path);

/// The newest `count` lines, oldest first; empty when there is no log.
std::vector<std::string> last_log_lines(const std::filesystem::path& path,
                                        std::size_t count);

/// The end of a log that lacks lines: a note of that, and the newest of them.
std::string text_of(const UnwrittenLines& lines);

/// Removes every file of the log.
void remove_log(const std::filesystem::path& path);

}  // namespace troupe
