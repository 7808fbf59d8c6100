// What the node and troupe-guard say to each other over two pipes. Text, a
// line per report, so that a trace of the pipe can be read.
//
// The guard is started as
//   troupe-guard CWD GRACE_MS UMASK PROGRAM_NAME... (argv of the command)
// (numbers in decimal) with the command's environment, its standard streams as
// 0, 1 and 2, the control pipe as 3 and the report pipe as 4.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace troupe::guard {

inline constexpr int kControlFd = 3;
inline constexpr int kReportFd = 4;

/// Orders, one byte each, from the node. The end of the pipe means the node
/// is gone and counts as kStop.
inline constexpr char kStop = 'T';  // TERM to all, KILL after the grace time.
inline constexpr char kKill = 'K';  // KILL now.

enum class ReportType {
  started,   // a: process number, b: its start time in ticks.
  failed,    // a: errno, b: the Stage that failed. No process runs.
  exited,    // a: exit code. The rest of the tree may still be ending.
  signaled,  // a: signal.
  done,      // The last: no process is left. a: user CPU in us, b: system CPU
             // in us, c: peak resident bytes of the largest process.
};

/// What the guard was doing when the command could not be started.
enum class Stage : std::int64_t {
  prepare = 1,  // fork, sessions, descriptors.
  folder,       // chdir to CWD.
  search,       // No folder of PATH has the command.
  execute,      // execve of a file that is there.
};

struct Report {
  ReportType type = ReportType::done;
  std::int64_t a = 0;
  std::int64_t b = 0;
  std::int64_t c = 0;
  friend bool operator==(const Report&, const Report&) = default;
};

/// One line with its end.
std::string to_line(const Report& report);
/// Nothing for a line that is no report.
std::optional<Report> parse_report(std::string_view line);

}  // namespace troupe::guard
