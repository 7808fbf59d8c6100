// What a node that was killed left behind: records of the processes it had
// started, and their logs. Read once, at the start of the next node.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "platform/process.hpp"

namespace troupe {

struct LeftoverRecord {
  std::string key;
  platform::ProcessIdentity guard;  // Empty: about to be started.
  std::optional<platform::ProcessIdentity> command;
  std::string log;
};

Status write_leftover_record(const std::filesystem::path& path,
                             const LeftoverRecord& record);
/// Errors: not_found, corrupt, io_error.
Result<LeftoverRecord> read_leftover_record(const std::filesystem::path& path);

/// Kills every process that carries the attempt's mark in its environment,
/// with its descendants. Returns how many. Blocks for milliseconds.
std::size_t end_attempt_processes(const std::string& key);

struct EndedLeftover {
  std::string key;
  std::filesystem::path log;  // Of bounded_log.hpp.
  std::size_t killed = 0;     // Processes that were still there.
};

/// Ends all that the records in `folder` name - exactly those processes, by
/// number, start time and boot - with their descendants and all that carries
/// their mark, and removes the records. A missing folder has no records.
/// REQUIRES: called before anything is started that writes records there.
/// Blocks until the processes are gone.
std::vector<EndedLeftover> end_leftovers(const std::filesystem::path& folder);

}  // namespace troupe
