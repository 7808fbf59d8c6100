// What the end of a command means for its job: state, failure and result.
// Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "actors/executor.hpp"
#include "connectors/process/runner.hpp"

namespace troupe {

struct EndedCommand {
  ProcessEnd end;
  std::string program;  // argv[0], for messages.
  std::string cwd;
  std::int64_t timeout_ms = 0;
  std::optional<StopReason> stop;  // Of the order, if there was one.
  std::vector<std::string> last_lines;
};

/// Without artifacts. Every way to end has a reason of its own:
/// command_not_found, not_executable, missing_folder, not_started,
/// exit_status, signal, timeout, guard_lost, node_shutdown.
JobEnd describe_end(const EndedCommand& command);

/// A failed end for what went wrong around the command: inputs that could not
/// be had (input_missing), outputs that are not there (output_missing) or
/// could not be kept (output_not_saved), parameters that a binding spoiled
/// (invalid_parameters).
JobEnd describe_failure(FailureClass klass, const std::string& reason,
                        const std::string& message,
                        std::vector<std::string> last_lines = {});

/// How an attempt ends that was stopped before its command ran.
JobEnd describe_stop(StopReason reason, const EndedCommand& command);

/// The class under which an error of the file work is retried or not.
FailureClass class_of(Errc code);

}  // namespace troupe
