// Starting a program with exactly the descriptors, environment and folder it
// shall have, from a process with many threads, and waiting for its end
// without signals. Knows no shell.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "platform/fd.hpp"
#include "platform/process.hpp"

namespace troupe::platform {

struct SpawnSpec {
  std::filesystem::path program = {};  // A path; never searched for.
  std::vector<std::string> argv = {};  // argv[0] included.
  std::vector<std::string> env = {};   // "NAME=value"; nothing is inherited.
  std::filesystem::path cwd = {};      // Empty: this process's.
  // Descriptors of this process, borrowed; -1: /dev/null.
  int stdin_fd = -1;
  int stdout_fd = -1;
  int stderr_fd = -1;
  std::vector<int> more_fds = {};  // Become 3, 4, …; all others are closed.
  bool new_session = false;
};

/// A child of this process. Dropping it neither ends nor awaits it.
struct Child {
  ProcessIdentity identity;
  Fd pidfd;  // Readable once the child has ended.
};

struct ProcessUsage {
  std::int64_t user_cpu_us = 0;
  std::int64_t system_cpu_us = 0;
  std::int64_t peak_rss_bytes = 0;  // Of the largest process waited for.
};

struct ExitStatus {
  std::optional<int> code;    // Set when it exited.
  std::optional<int> signal;  // Set when a signal ended it.
  ProcessUsage usage;
};

/// Signals are unblocked and at their defaults in the child. The program runs
/// when this returns. Errors: not_found (program or cwd), denied (not
/// executable), out_of_memory, unavailable, io_error.
Result<Child> spawn(const SpawnSpec& spec);

/// Reaps the child, waiting for its end if need be. Errors: io_error (not a
/// child, or reaped before).
Result<ExitStatus> wait_child(const Child& child);

/// From now on what outlives its parent below this process becomes its child,
/// instead of init's. Errors: io_error.
Status adopt_orphans();

/// Kills and reaps the children that spawn() did not start, with all that
/// descends from them, until there are none. Returns how many were killed.
/// Does nothing before adopt_orphans(): they may be another library's.
/// Blocks for milliseconds; seconds when the kernel holds one back.
std::size_t end_orphans();

}  // namespace troupe::platform
