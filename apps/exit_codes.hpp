// What the program's exit status tells a script. docs/cli.md has the same
// table; a test compares them.
#pragma once

#include <array>
#include <string_view>

#include "core/job.hpp"
#include "core/result.hpp"

namespace troupe {

enum class ExitCode : int {
  ok = 0,
  job_failed = 1,  // It ran or waited, and did not succeed.
  usage = 2,
  no_node = 3,
  not_found = 4,
  refused = 5,
  try_again = 6,
  timeout = 7,
  broken = 8,
  locked = 9,
  interrupted = 130,  // 128 + SIGINT, as shells have it.
};

struct ExitCodeRow {
  ExitCode code;
  std::string_view meaning;
};

inline constexpr std::array<ExitCodeRow, 11> kExitCodes{{
    {ExitCode::ok, "done; for `run` and `jobs wait`: every job succeeded"},
    {ExitCode::job_failed,
     "a job that was waited for failed, was cancelled "
     "or expired"},
    {ExitCode::usage, "the command line or the configuration is wrong"},
    {ExitCode::no_node, "no node answers for this data folder"},
    {ExitCode::not_found, "no such job, file or client, or forgotten since"},
    {ExitCode::refused,
     "the node refused: invalid, denied, too large, or in "
     "a state that forbids it"},
    {ExitCode::try_again,
     "not now: the queue or the disk is full, the disk is read-only, or "
     "another program has the node's port; try again later"},
    {ExitCode::timeout,
     "the time is over; the outcome is unknown, asking "
     "again with the same id is safe"},
    {ExitCode::broken,
     "disk, data (a lost certificate too) or program are at fault; the message "
     "says which"},
    {ExitCode::locked, "another process uses the data folder"},
    {ExitCode::interrupted, "ended by Ctrl-C"},
}};

/// How a program ends that met this error.
ExitCode exit_code(Errc code);

/// How a program ends that waited for a job which came to this end.
ExitCode exit_code(JobState state);

}  // namespace troupe
