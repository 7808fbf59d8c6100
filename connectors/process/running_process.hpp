// One command under its guard: its pipes, its times and what they mean.
// Private to runner.cpp.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "connectors/process/bounded_log.hpp"
#include "connectors/process/line_splitter.hpp"
#include "connectors/process/progress_rules.hpp"
#include "connectors/process/runner.hpp"

namespace troupe {

/// Lives on the loop's thread. Watches its descriptors from start() until it
/// calls `ended`; destroyed after that, not from within.
class RunningProcess {
 public:
  using Loop = platform::EventLoop;
  using Ended = std::function<void()>;

  RunningProcess(ProcessSpec spec, Loop& loop, ProcessEvents& events,
                 Ended ended);
  ~RunningProcess();
  RunningProcess(const RunningProcess&) = delete;
  RunningProcess& operator=(const RunningProcess&) = delete;

  /// When it fails, on_end() is told at once.
  void start(const std::filesystem::path& guard);
  void stop(StopCause cause);
  void kill();

 private:
  struct Output {
    Stream stream;
    platform::Fd fd;
    LineSplitter splitter;
  };

  Status spawn_guard(const std::filesystem::path& guard);
  Status watch_all();
  void write_record() const;
  void set_timers();
  void cancel_timers();
  void order(char what);

  bool read_output(Output& output);  // False: nothing to read for now.
  void close_output(Output& output);
  void take_line(Stream stream, const std::string& text);
  void take_progress(std::string_view line);
  void append_log(Stream stream, const std::string& text);
  void wait_for_silence();

  bool read_reports();
  void take_report(const guard::Report& report);
  void guard_ended();
  void tell_end();

  ProcessSpec spec_;
  Loop& loop_;
  ProcessEvents& events_;
  Ended ended_;

  std::optional<BoundedLog> log_;
  ProgressParser progress_;
  std::optional<platform::Child> guard_;
  platform::Fd control_;
  platform::Fd report_pipe_;
  std::string report_text_;
  Output out_{Stream::out, {}, {}};
  Output err_{Stream::err, {}, {}};
  std::optional<platform::ProcessIdentity> command_;
  bool done_reported_ = false;

  Loop::Clock::time_point started_at_;
  Loop::Clock::time_point last_output_;
  Loop::TimerId timeout_timer_ = 0;
  Loop::TimerId quiet_timer_ = 0;
  ProcessEnd end_;
};

}  // namespace troupe
