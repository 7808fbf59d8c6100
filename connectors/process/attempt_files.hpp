// The files of one attempt: where they lie, how they get there and which of
// them are kept. Blocks on the disk; knows nothing of processes.
//
// Below the connector's folder, NAME being JOB-attempt-N:
//   scratch/NAME/    the attempt's own; gone with its end
//   scratch/NAME.in  its standard input, when given as text
//   records/NAME     who runs, for the start after a crash
//   logs/JOB/attempt-N.*   the logs of all attempts, until the job's end is
//                          on disk
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "actors/executor.hpp"
#include "connectors/process/bounded_log.hpp"
#include "kinds/process_run.hpp"

namespace troupe {

/// Where nobody knows whether a job has ended, its logs go after this time.
inline constexpr std::int64_t kLogKeepHours = 7 * 24;

struct AttemptPaths {
  std::filesystem::path scratch;
  std::filesystem::path stdin_file;  // Empty: none.
  std::filesystem::path record;
  std::filesystem::path log;
};

AttemptPaths attempt_paths(const std::filesystem::path& folder,
                           const Token& token, const ProcessRunParams& params);

/// At the start of a node, after end_leftovers(): removes scratch folders, and
/// the logs of jobs for which `is_over` says so. Empty: old ones.
void sweep_attempt_files(const std::filesystem::path& folder,
                         const std::function<bool(JobId)>& is_over);

/// Makes the folders and puts the inputs there, each a copy of its own.
/// Errors: those of ArtifactAccess::fetch; invalid_argument (a name that
/// leaves the folder); disk_full, io_error.
Status prepare_files(const AttemptPaths& paths, const Assignment& assignment,
                     const ProcessRunParams& params, ArtifactAccess& artifacts);

/// Saves the outputs (when the command succeeded) and the logs of this and
/// earlier attempts and adds them to `end`, which becomes a failure where an
/// output is missing or cannot be saved. Then removes all but the logs.
/// `unwritten` is what the log of this attempt lacks.
JobEnd keep_files(const AttemptPaths& paths, const Assignment& assignment,
                  const ProcessRunParams& params, ArtifactAccess& artifacts,
                  JobEnd end,
                  const std::optional<UnwrittenLines>& unwritten = {});

struct KeptLogs {
  std::vector<ArtifactRef> artifacts;
  std::vector<std::string> last_lines;  // Of the newest attempt.
};

/// For a job that ends because its attempt was lost with the node: saves the
/// logs of its attempts up to `newest`. Empty when there are none. `folder` is
/// the connector's.
KeptLogs keep_lost_logs(const std::filesystem::path& folder, JobId job,
                        std::uint32_t newest, ArtifactAccess& artifacts);

/// For a job whose end is on disk: its logs are artifacts, or nobody's.
void remove_logs(const std::filesystem::path& folder, JobId job);

/// Removes the attempt's scratch folder, input and record.
void remove_files(const AttemptPaths& paths);

/// The newest lines of the attempt's log, short enough for a record.
std::vector<std::string> last_lines(
    const AttemptPaths& paths,
    const std::optional<UnwrittenLines>& unwritten = {});

}  // namespace troupe
