#include "connectors/process/running_process.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <nlohmann/json.hpp>

#include "connectors/process/leftovers.hpp"
#include "platform/file.hpp"

namespace troupe {

namespace {

using std::chrono::milliseconds;

constexpr std::size_t kReadBytes = 64 * 1024;
constexpr int kReadsOfAFullPipe = 32;  // Linux's largest pipe holds 1 MiB.

std::int64_t ms_between(platform::EventLoop::Clock::time_point from,
                        platform::EventLoop::Clock::time_point to) {
  return std::chrono::duration_cast<milliseconds>(to - from).count();
}

std::vector<std::string> environment(const ProcessSpec& spec) {
  std::vector<std::string> env;
  for (const auto& [name, value] : spec.env)
    if (name != kAttemptVariable) env.push_back(name + "=" + value);
  env.push_back(std::string{kAttemptVariable} + "=" + spec.key);
  return env;
}

}  // namespace

RunningProcess::RunningProcess(ProcessSpec spec, Loop& loop,
                               ProcessEvents& events, Ended ended)
    : spec_{std::move(spec)},
      loop_{loop},
      events_{events},
      ended_{std::move(ended)},
      progress_{spec_.progress} {}

RunningProcess::~RunningProcess() {
  cancel_timers();
  for (const auto* fd : {&out_.fd, &err_.fd, &report_pipe_})
    if (*fd) loop_.remove(fd->get());
  if (guard_) loop_.remove(guard_->pidfd.get());
}

// -- starting -----------------------------------------------------------------

void RunningProcess::start(const std::filesystem::path& guard) {
  started_at_ = last_output_ = Loop::Clock::now();
  Status done = ok();
  if (auto log = BoundedLog::create(spec_.log, spec_.log_bytes))
    log_ = *std::move(log);
  else
    done = log.error();
  // Before the guard is there, so that a node killed in between finds it by
  // its mark; with its number once it is.
  write_record();
  if (done) done = spawn_guard(guard);
  if (done) {
    write_record();
    done = watch_all();
    if (done) return set_timers();
    platform::kill_tree({{.pid = guard_->identity.pid,
                          .parent = 0,
                          .state = '?',
                          .start_ticks = guard_->identity.start_ticks}});
    [[maybe_unused]] const auto reaped = platform::wait_child(*guard_);
    end_attempt_processes(spec_.key);
  }
  end_.not_spawned = done.error();
  tell_end();
}

Status RunningProcess::spawn_guard(const std::filesystem::path& guard) {
  auto control = platform::make_pipe();
  auto reports = platform::make_pipe();
  auto out = platform::make_pipe();
  auto err = platform::make_pipe();
  for (auto* pipe : {&control, &reports, &out, &err})
    if (!*pipe) return pipe->error();
  platform::Fd in;
  if (!spec_.stdin_file.empty()) {
    auto file = platform::open_read(spec_.stdin_file);
    if (!file) return file.error();
    in = *std::move(file);
  }
  std::vector<std::string> argv{"troupe-guard", spec_.cwd.string(),
                                std::to_string(spec_.grace_ms),
                                std::to_string(spec_.umask)};
  argv.insert(argv.end(), spec_.argv.begin(), spec_.argv.end());
  auto child = platform::spawn(
      {.program = guard,
       .argv = std::move(argv),
       .env = environment(spec_),
       .cwd = {},
       .stdin_fd = in.get(),
       .stdout_fd = out->write_end.get(),
       .stderr_fd = err->write_end.get(),
       .more_fds = {control->read_end.get(), reports->write_end.get()},
       .new_session = true});
  if (!child) return child.error();
  guard_ = *std::move(child);
  control_ = std::move(control->write_end);
  report_pipe_ = std::move(reports->read_end);
  out_.fd = std::move(out->read_end);
  err_.fd = std::move(err->read_end);
  for (const auto* fd : {&control_, &report_pipe_, &out_.fd, &err_.fd}) {
    auto set = platform::set_nonblocking(fd->get(), true);
    if (!set) return set;
  }
  return ok();
}

Status RunningProcess::watch_all() {
  for (auto* output : {&out_, &err_}) {
    auto watched =
        loop_.watch(output->fd.get(), [this, output] { read_output(*output); });
    if (!watched) return watched;
  }
  auto watched = loop_.watch(report_pipe_.get(), [this] { read_reports(); });
  if (!watched) return watched;
  return loop_.watch(guard_->pidfd.get(), [this] { guard_ended(); });
}

// Not synced: it only matters while this boot lasts, and what the page cache
// holds outlives the node.
void RunningProcess::write_record() const {
  LeftoverRecord record{
      .key = spec_.key,
      .guard = guard_ ? guard_->identity : platform::ProcessIdentity{},
      .command = command_,
      .log = spec_.log.string()};
  auto written = write_leftover_record(spec_.record, record);
  if (!written)
    events_.on_line(spec_.key, Stream::node,
                    "the record of this attempt's processes could not be "
                    "written: " +
                        written.error().message);
}

void RunningProcess::set_timers() {
  if (spec_.timeout_ms > 0)
    timeout_timer_ = loop_.at(started_at_ + milliseconds{spec_.timeout_ms},
                              [this] { stop(StopCause::timeout); });
  wait_for_silence();
}

void RunningProcess::cancel_timers() {
  loop_.cancel(timeout_timer_);
  loop_.cancel(quiet_timer_);
}

// -- stopping -----------------------------------------------------------------

void RunningProcess::stop(StopCause cause) {
  // What ended by itself before the order counts as ended by itself.
  if (!end_.stopped && !end_.code && !end_.signal) end_.stopped = cause;
  order(guard::kStop);
}

void RunningProcess::kill() {
  if (!end_.stopped && !end_.code && !end_.signal)
    end_.stopped = StopCause::ordered;
  order(guard::kKill);
}

void RunningProcess::order(char what) {
  // A pipe without a reader raises EPIPE, and its signal is blocked by the
  // runner's thread; then the guard is gone and guard_ended() follows.
  [[maybe_unused]] const auto n = ::write(control_.get(), &what, 1);
}

// -- output -------------------------------------------------------------------

bool RunningProcess::read_output(Output& output) {
  if (!output.fd) return false;
  std::array<char, kReadBytes> buffer;
  const ssize_t n = ::read(output.fd.get(), buffer.data(), buffer.size());
  if (n < 0 && errno == EINTR) return true;
  if (n < 0 && errno == EAGAIN) return false;
  if (n <= 0) {
    close_output(output);
    return false;
  }
  last_output_ = Loop::Clock::now();
  if (quiet_timer_ == 0) wait_for_silence();
  output.splitter.push({buffer.data(), static_cast<std::size_t>(n)},
                       [this, &output](const std::string& line) {
                         take_line(output.stream, line);
                       });
  // tqdm begins each bar with the "\r" that ends the one before: what waits is
  // the newest, and whole once its bracket is closed.
  if (const auto bar = output.splitter.pending(); bar.ends_with(']'))
    take_progress(bar);
  return true;
}

void RunningProcess::close_output(Output& output) {
  if (!output.fd) return;
  loop_.remove(output.fd.get());
  output.fd.reset();
  output.splitter.finish([this, &output](const std::string& line) {
    take_line(output.stream, line);
  });
}

void RunningProcess::take_line(Stream stream, const std::string& text) {
  append_log(stream, text);
  events_.on_line(spec_.key, stream, text);
  take_progress(text);
}

void RunningProcess::take_progress(std::string_view line) {
  if (auto progress = progress_.feed(line))
    events_.on_progress(spec_.key, *progress);
}

void RunningProcess::append_log(Stream stream, const std::string& text) {
  auto written = log_->append(std::string{to_string(stream)} + " | " + text);
  if (!written)
    events_.on_line(spec_.key, Stream::node,
                    "the log ends here: " + written.error().message);
}

void RunningProcess::wait_for_silence() {
  if (spec_.quiet_ms <= 0) return;
  quiet_timer_ = loop_.at(last_output_ + milliseconds{spec_.quiet_ms}, [this] {
    quiet_timer_ = 0;
    const auto silent = ms_between(last_output_, Loop::Clock::now());
    // Each line of output only moves last_output_; the timer looks again.
    if (silent < spec_.quiet_ms) return wait_for_silence();
    events_.on_quiet(spec_.key, silent);
  });
}

// -- the guard ----------------------------------------------------------------

bool RunningProcess::read_reports() {
  std::array<char, 4096> buffer;
  const ssize_t n = ::read(report_pipe_.get(), buffer.data(), buffer.size());
  if (n < 0) return errno == EINTR;
  if (n == 0) {
    loop_.remove(report_pipe_.get());  // guard_ended() is about to come.
    return false;
  }
  report_text_.append(buffer.data(), static_cast<std::size_t>(n));
  for (auto end = report_text_.find('\n'); end != std::string::npos;
       end = report_text_.find('\n')) {
    const auto report = guard::parse_report(report_text_.substr(0, end));
    report_text_.erase(0, end + 1);
    if (report) take_report(*report);
  }
  return true;
}

void RunningProcess::take_report(const guard::Report& report) {
  using guard::ReportType;
  switch (report.type) {
    case ReportType::started:
      command_ = platform::ProcessIdentity{static_cast<std::int32_t>(report.a),
                                           static_cast<std::uint64_t>(report.b),
                                           guard_->identity.boot_id};
      write_record();
      events_.on_started(spec_.key, *command_);
      return;
    case ReportType::failed:
      end_.error_number = static_cast<int>(report.a);
      end_.failed_stage = static_cast<guard::Stage>(report.b);
      return;
    case ReportType::exited:
      end_.code = static_cast<int>(report.a);
      return;
    case ReportType::signaled:
      end_.signal = static_cast<int>(report.a);
      return;
    case ReportType::done:
      done_reported_ = true;
      end_.usage = {.user_cpu_us = report.a,
                    .system_cpu_us = report.b,
                    .peak_rss_bytes = report.c};
      return;
  }
}

void RunningProcess::guard_ended() {
  loop_.remove(guard_->pidfd.get());
  [[maybe_unused]] const auto reaped = platform::wait_child(*guard_);
  while (read_reports()) {
  }
  if (!done_reported_) {
    end_.guard_lost = true;
    platform::end_orphans();
    end_attempt_processes(spec_.key);
  }
  // All writers are dead, so what is in the pipes now is all there will be.
  // Not until the end of file: a process that escaped a killed guard and
  // cleared its environment could hold the pipe open, or fill it, for ever.
  for (auto* output : {&out_, &err_}) {
    for (int i = 0; i < kReadsOfAFullPipe && read_output(*output); ++i) {
    }
    close_output(*output);
  }
  tell_end();
}

void RunningProcess::tell_end() {
  cancel_timers();
  if (log_) end_.unwritten = log_->unwritten();
  log_.reset();
  std::error_code ignored;
  std::filesystem::remove(spec_.record, ignored);
  end_.wall_ms = ms_between(started_at_, Loop::Clock::now());
  events_.on_end(spec_.key, end_);
  ended_();
}

}  // namespace troupe
