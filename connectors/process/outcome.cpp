#include "connectors/process/outcome.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <nlohmann/json.hpp>

#include "core/loss.hpp"

namespace troupe {

namespace {

using Json = nlohmann::ordered_json;

std::string quoted(const std::string& program) {
  return "'" + program + "'";
}

std::string seconds(std::int64_t ms) {
  if (ms % 1000 == 0) return std::to_string(ms / 1000) + " s";
  return std::to_string(ms) + " ms";
}

// What was measured, for every command that ran, however it ended.
std::string result_of(const ProcessEnd& end) {
  Json result = Json::object();
  if (end.code) result["exit_code"] = *end.code;
  if (end.signal) result["signal"] = platform::signal_name(*end.signal);
  result["wall_ms"] = end.wall_ms;
  result["cpu_user_ms"] = end.usage.user_cpu_us / 1000;
  result["cpu_system_ms"] = end.usage.system_cpu_us / 1000;
  result["peak_rss_bytes"] = end.usage.peak_rss_bytes;
  return result.dump();
}

JobEnd failed(const EndedCommand& command, FailureClass klass,
              const std::string& reason, const std::string& message) {
  return describe_failure(klass, reason, message, command.last_lines);
}

JobEnd not_started(const EndedCommand& command) {
  const auto& end = command.end;
  const std::string why = std::strerror(end.error_number);
  switch (*end.failed_stage) {
    case guard::Stage::search:
      return failed(command, FailureClass::invalid, "command_not_found",
                    "the command " + quoted(command.program) +
                        " does not exist on this node; install it or name "
                        "it by its path");
    case guard::Stage::execute:
      if (end.error_number == E2BIG)
        return failed(command, FailureClass::invalid, "arguments_too_long",
                      "arguments and environment of " +
                          quoted(command.program) +
                          " are longer than this system allows; pass them in "
                          "an input file");
      return failed(command, FailureClass::invalid, "not_executable",
                    quoted(command.program) + " cannot be executed: " + why +
                        "; it needs the right to be executed and, for a "
                        "script, a first line that names its interpreter");
    case guard::Stage::folder:
      return failed(command, FailureClass::invalid, "missing_folder",
                    "the folder " + command.cwd + " cannot be entered: " + why);
    case guard::Stage::prepare:
      break;
  }
  return failed(command, FailureClass::transient, "not_started",
                quoted(command.program) + " could not be started: " + why);
}

JobEnd by_itself(const EndedCommand& command) {
  const auto& end = command.end;
  const auto name = quoted(command.program);
  if (end.signal) {
    auto message =
        name + " was killed by " + platform::signal_name(*end.signal);
    if (*end.signal == SIGKILL)
      message += "; if nobody sent it, the kernel did for lack of memory";
    return failed(command, FailureClass::command, "signal", message);
  }
  if (end.code && *end.code != 0)
    return failed(command, FailureClass::command, "exit_status",
                  name + " exited with status " + std::to_string(*end.code));
  if (!end.code)
    return failed(command, FailureClass::transient, std::string{kGuardLost},
                  "the guard of " + name + " was killed, so it was ended too");
  return JobEnd{.state = JobState::succeeded,
                .failure = {},
                .result = {},
                .artifacts = {}};
}

}  // namespace

JobEnd describe_end(const EndedCommand& command) {
  const auto& end = command.end;
  if (end.not_spawned) {
    const bool too_long = end.not_spawned->code == Errc::too_large;
    return failed(command, class_of(end.not_spawned->code),
                  too_long ? "arguments_too_long" : "not_started",
                  quoted(command.program) +
                      " could not be started: " + end.not_spawned->message);
  }
  if (end.failed_stage) return not_started(command);
  JobEnd job = by_itself(command);
  if (end.stopped == StopCause::timeout)
    job = describe_stop(StopReason::timeout, command);
  else if (end.stopped)
    job = describe_stop(command.stop.value_or(StopReason::shutdown), command);
  job.result = result_of(end);
  return job;
}

JobEnd describe_failure(FailureClass klass, const std::string& reason,
                        const std::string& message,
                        std::vector<std::string> last_lines) {
  return JobEnd{.state = JobState::failed,
                .failure = Failure{.klass = klass,
                                   .reason = reason,
                                   .message = message,
                                   .last_lines = std::move(last_lines)},
                .result = {},
                .artifacts = {}};
}

JobEnd describe_stop(StopReason reason, const EndedCommand& command) {
  const auto name = quoted(command.program);
  JobEnd none{.state = JobState::cancelled,
              .failure = {},
              .result = {},
              .artifacts = {}};
  switch (reason) {
    case StopReason::cancelled:
    case StopReason::fenced:
      return none;
    case StopReason::expired: {
      JobEnd expired = none;
      expired.state = JobState::expired;
      return expired;
    }
    case StopReason::timeout:
      return failed(
          command, FailureClass::timeout, "timeout",
          name + " was stopped by its timeout" +
              (command.timeout_ms > 0 ? " of " + seconds(command.timeout_ms)
                                      : std::string{}));
    case StopReason::shutdown:
      break;
  }
  return failed(command, FailureClass::transient, std::string{kNodeShutdown},
                name + " was stopped because the node stops");
}

FailureClass class_of(Errc code) {
  switch (code) {
    case Errc::invalid_argument:
    case Errc::not_found:
    case Errc::forgotten:
    case Errc::denied:
    case Errc::too_large:
    case Errc::corrupt:  // Of an input: only bringing it again helps.
      return FailureClass::invalid;
    case Errc::out_of_memory:
      return FailureClass::resource;
    default:
      return FailureClass::transient;
  }
}

}  // namespace troupe
