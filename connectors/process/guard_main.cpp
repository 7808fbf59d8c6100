// troupe-guard: starts one command and answers for its whole process tree.
// When the node dies, by whatever signal, or orders a stop, it ends every
// descendant, those in sessions of their own too, and leaves only then. It is
// a process of its own because nothing inside the node outlives kill -9.

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "connectors/process/guard_protocol.hpp"
#include "platform/fd.hpp"
#include "platform/process.hpp"

namespace troupe::guard {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// Between looks at what is left after a KILL. Only a process in an
// uninterruptible sleep or one that forked meanwhile needs a second look.
constexpr milliseconds kLookAgain{100};
constexpr int kOutOfMemoryScore = 500;  // The command goes before the node.

struct StartFailure {
  std::int64_t stage;
  std::int64_t error_number;
};

struct Options {
  std::string cwd;
  milliseconds grace{0};
  mode_t umask = 0;  // Of the command.
  char** argv = nullptr;
};

std::optional<long> parse_number(const char* text) {
  char* end = nullptr;
  const long number = std::strtol(text, &end, 10);
  if (end == text || *end != '\0' || number < 0) return {};
  return number;
}

std::optional<Options> parse_options(int argc, char** argv) {
  if (argc < 5) return {};
  const auto grace = parse_number(argv[2]);
  const auto mask = parse_number(argv[3]);
  if (!grace || !mask || *mask > 0777) return {};
  return Options{argv[1], milliseconds{*grace}, static_cast<mode_t>(*mask),
                 argv + 4};
}

void report(const Report& what) {
  const auto line = to_line(what);
  // A broken pipe means the node is gone; the control pipe tells us so too.
  [[maybe_unused]] const auto n = ::write(kReportFd, line.data(), line.size());
}

// -- in the child, between fork and exec --------------------------------------

[[noreturn]] void fail_start(int pipe, Stage stage, int error_number) {
  const StartFailure failure{static_cast<std::int64_t>(stage), error_number};
  [[maybe_unused]] const auto n = ::write(pipe, &failure, sizeof failure);
  ::_exit(127);
}

void raise_own_oom_score() {
  const platform::Fd fd{
      ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC)};
  const auto text = std::to_string(kOutOfMemoryScore);
  // Not fatal: an already higher score cannot be lowered by everybody.
  [[maybe_unused]] const auto n = ::write(fd.get(), text.data(), text.size());
}

bool is_regular_file(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

// execvp would hand a script without an interpreter line to a shell; here no
// shell ever runs unless the job names one.
[[noreturn]] void execute(char** argv, int pipe) {
  const std::string name = argv[0];
  if (name.find('/') != std::string::npos) {
    ::execve(name.c_str(), argv, environ);
    const int error_number = errno;
    fail_start(pipe,
               error_number == ENOENT && !is_regular_file(name)
                   ? Stage::search
                   : Stage::execute,
               error_number);
  }
  const char* variable = std::getenv("PATH");
  std::string folders = variable ? variable : "/usr/local/bin:/usr/bin:/bin";
  folders += ':';
  int found_error = 0;
  while (!folders.empty()) {
    const auto folder = folders.substr(0, folders.find(':'));
    folders.erase(0, folder.size() + 1);
    const auto path = (folder.empty() ? "." : folder) + "/" + name;
    if (!is_regular_file(path)) continue;
    ::execve(path.c_str(), argv, environ);
    if (found_error == 0) found_error = errno;
  }
  if (found_error == 0) fail_start(pipe, Stage::search, ENOENT);
  fail_start(pipe, Stage::execute, found_error);
}

[[noreturn]] void become_command(const Options& options, int pipe,
                                 const sigset_t& mask, pid_t guard) {
  // A session of its own: the job's kill(0, ...) cannot reach the guard.
  ::setsid();
  // If the guard itself is killed, at least the command goes with it. The
  // guard has one thread, so the signal cannot fire early.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != guard) ::_exit(127);
  raise_own_oom_score();
  ::signal(SIGPIPE, SIG_DFL);
  ::sigprocmask(SIG_SETMASK, &mask, nullptr);
  ::umask(options.umask);
  if (::chdir(options.cwd.c_str()) != 0) fail_start(pipe, Stage::folder, errno);
  execute(options.argv, pipe);
}

// -- the guard ----------------------------------------------------------------

class Guard {
 public:
  explicit Guard(Options options) : options_{std::move(options)} {}

  int run() {
    if (!prepare())
      return fail({static_cast<std::int64_t>(Stage::prepare), errno});
    if (auto failure = start()) return fail(*failure);
    while (reap()) wait_for_news();
    report({ReportType::done, user_us_, system_us_, peak_bytes_});
    return 0;
  }

 private:
  bool prepare() {
    ::signal(SIGPIPE, SIG_IGN);
    sigset_t news;
    ::sigemptyset(&news);
    for (const int signal : {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT})
      ::sigaddset(&news, signal);
    ::sigprocmask(SIG_BLOCK, &news, &command_mask_);
    signals_ = platform::Fd{::signalfd(-1, &news, SFD_CLOEXEC | SFD_NONBLOCK)};
    for (const int fd : {kControlFd, kReportFd})
      if (::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) return false;
    return signals_ && ::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0;
  }

  std::optional<StartFailure> start() {
    const StartFailure cannot{static_cast<std::int64_t>(Stage::prepare),
                              EAGAIN};
    auto pipe = platform::make_pipe();
    if (!pipe) return cannot;
    const pid_t guard = ::getpid();
    command_ = ::fork();
    if (command_ < 0) return StartFailure{cannot.stage, errno};
    if (command_ == 0)
      become_command(options_, pipe->write_end.get(), command_mask_, guard);
    pipe->write_end.reset();
    let_go_of_streams();
    StartFailure failure{};
    ssize_t n = 0;
    do n = ::read(pipe->read_end.get(), &failure, sizeof failure);
    while (n < 0 && errno == EINTR);
    if (n == sizeof failure) return failure;
    const auto info = platform::process_info(command_);
    report({ReportType::started, command_,
            info ? static_cast<std::int64_t>(info->start_ticks) : 0});
    return {};
  }

  // The pipes must end when the tree does, not when the guard does.
  static void let_go_of_streams() {
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    for (const int fd : {0, 1, 2}) ::dup2(null, fd);
    ::close(null);
  }

  static int fail(StartFailure failure) {
    while (::wait(nullptr) > 0) {
    }
    report({ReportType::failed, failure.error_number, failure.stage});
    report({ReportType::done});
    return 0;
  }

  // False when no descendant is left: as subreaper the guard inherits every
  // orphan, so "no child" is "nobody".
  bool reap() {
    for (;;) {
      int status = 0;
      rusage usage{};
      const pid_t pid = ::wait4(-1, &status, WNOHANG, &usage);
      if (pid < 0) return errno == EINTR;
      if (pid == 0) {
        // While the command lives, what it starts to clean up is left in
        // peace; after its end, what was forked past the order hears it too.
        if (ended_) terminate_new();
        return true;
      }
      count(usage);
      if (pid != command_) continue;
      report(WIFSIGNALED(status)
                 ? Report{ReportType::signaled, WTERMSIG(status)}
                 : Report{ReportType::exited, WEXITSTATUS(status)});
      ended_ = true;
      stop();  // What the command left behind goes too.
    }
  }

  void count(const rusage& usage) {
    const auto us = [](const timeval& t) {
      return std::int64_t{t.tv_sec} * 1'000'000 + t.tv_usec;
    };
    user_us_ += us(usage.ru_utime);
    system_us_ += us(usage.ru_stime);
    peak_bytes_ = std::max(peak_bytes_, std::int64_t{usage.ru_maxrss} * 1024);
  }

  void wait_for_news() {
    pollfd fds[] = {{signals_.get(), POLLIN, 0},
                    {control_open_ ? kControlFd : -1, POLLIN, 0}};
    ::poll(fds, 2, timeout());
    if (fds[0].revents != 0) take_signals();
    if (fds[1].revents != 0) take_orders();
    if (kill_at_ && Clock::now() >= *kill_at_) kill_all();
  }

  int timeout() const {
    if (!kill_at_) return -1;
    const auto left =
        std::chrono::ceil<milliseconds>(*kill_at_ - Clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, INT_MAX));
  }

  void take_signals() {
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof info) == sizeof info)
      if (info.ssi_signo == SIGQUIT)
        kill_at_ = Clock::now();
      else if (info.ssi_signo != SIGCHLD)
        stop_or_kill();
  }

  void take_orders() {
    char order = kStop;
    const auto n = ::read(kControlFd, &order, 1);
    if (n < 0) return;
    if (n == 0) control_open_ = false;
    if (n == 1 && order == kKill)
      kill_at_ = Clock::now();
    else
      stop();
  }

  // A second request by signal means: no more patience. SIGQUIT means so at
  // once; a new node uses it on what an old one left behind.
  void stop_or_kill() {
    if (stopping_) kill_at_ = Clock::now();
    stop();
  }

  void stop() {
    if (stopping_) return;
    stopping_ = true;
    kill_at_ = kill_at_.value_or(Clock::now() + options_.grace);
    terminate_new();
  }

  // Each process hears it once.
  void terminate_new() {
    for (const auto& member :
         platform::descendants(platform::list_processes(), {::getpid()})) {
      if (!terminated_.emplace(member.pid, member.start_ticks).second) continue;
      platform::send_signal(member, SIGTERM);
      platform::send_signal(member, SIGCONT);  // A stopped one must hear it.
    }
  }

  void kill_all() {
    auto roots = platform::list_processes();
    std::erase_if(roots, [](const platform::ProcessInfo& info) {
      return info.parent != ::getpid();
    });
    platform::kill_tree(roots);
    kill_at_ = Clock::now() + kLookAgain;
  }

  Options options_;
  sigset_t command_mask_{};
  platform::Fd signals_;
  pid_t command_ = -1;
  bool control_open_ = true;
  bool stopping_ = false;
  bool ended_ = false;  // The command; not the whole tree.
  std::set<std::pair<pid_t, std::uint64_t>> terminated_;
  std::optional<Clock::time_point> kill_at_;
  std::int64_t user_us_ = 0;
  std::int64_t system_us_ = 0;
  std::int64_t peak_bytes_ = 0;
};

}  // namespace
}  // namespace troupe::guard

int main(int argc, char** argv) {
  using namespace troupe::guard;
  auto options = parse_options(argc, argv);
  if (!options) {
    constexpr char kUsage[] =
        "troupe-guard is started by troupe, not by hand\n";
    [[maybe_unused]] const auto n = ::write(2, kUsage, sizeof kUsage - 1);
    return 64;
  }
  return Guard{*std::move(options)}.run();
}
