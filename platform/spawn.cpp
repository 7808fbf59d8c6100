#include "platform/spawn.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <mutex>
#include <set>

#include "platform/file.hpp"

namespace troupe::platform {

namespace {

// Looks for orphans: each takes at most 50 ms per process that stays.
constexpr int kMaxLooks = 100;
constexpr std::int64_t kLookMs = 50;

// Who is a child by spawn() and not yet reaped; all others were adopted.
// Starting and reaping hold the mutex, so that no number is in between.
struct Children {
  std::mutex mutex;
  std::set<pid_t> started;
  bool adopts = false;
};

Children& children() {
  static Children all;
  return all;
}

struct Actions {
  posix_spawn_file_actions_t value;
  Actions() { ::posix_spawn_file_actions_init(&value); }
  ~Actions() { ::posix_spawn_file_actions_destroy(&value); }
};

struct Attributes {
  posix_spawnattr_t value;
  Attributes() { ::posix_spawnattr_init(&value); }
  ~Attributes() { ::posix_spawnattr_destroy(&value); }
};

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> list;
  for (const auto& word : words)
    list.push_back(const_cast<char*>(word.c_str()));
  list.push_back(nullptr);
  return list;
}

// Copies far above the numbers they shall get, so that no dup2 in the child
// overwrites a source that is still needed.
Result<std::vector<Fd>> sources(const SpawnSpec& spec) {
  std::vector<int> wanted{spec.stdin_fd, spec.stdout_fd, spec.stderr_fd};
  wanted.insert(wanted.end(), spec.more_fds.begin(), spec.more_fds.end());
  const int above = static_cast<int>(wanted.size());
  auto null = Fd{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  if (!null) return errno_error("open /dev/null", errno);
  std::vector<Fd> copies;
  for (const int fd : wanted) {
    Fd copy{::fcntl(fd < 0 ? null.get() : fd, F_DUPFD_CLOEXEC, above)};
    if (!copy) return errno_error("dup", errno);
    copies.push_back(std::move(copy));
  }
  return copies;
}

void set_attributes(posix_spawnattr_t& attributes, bool new_session) {
  sigset_t none;
  sigset_t all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
  if (new_session) flags |= POSIX_SPAWN_SETSID;
  ::posix_spawnattr_setflags(&attributes, static_cast<short>(flags));
}

ProcessUsage usage_of(const rusage& usage) {
  const auto us = [](const timeval& t) {
    return std::int64_t{t.tv_sec} * 1'000'000 + t.tv_usec;
  };
  return {.user_cpu_us = us(usage.ru_utime),
          .system_cpu_us = us(usage.ru_stime),
          .peak_rss_bytes = std::int64_t{usage.ru_maxrss} * 1024};
}

}  // namespace

Result<Child> spawn(const SpawnSpec& spec) {
  auto fds = sources(spec);
  if (!fds) return fds.error();
  Actions actions;
  if (!spec.cwd.empty())
    ::posix_spawn_file_actions_addchdir_np(&actions.value, spec.cwd.c_str());
  for (std::size_t i = 0; i < fds->size(); ++i)
    ::posix_spawn_file_actions_adddup2(&actions.value, (*fds)[i].get(),
                                       static_cast<int>(i));
  ::posix_spawn_file_actions_addclosefrom_np(&actions.value,
                                             static_cast<int>(fds->size()));
  Attributes attributes;
  set_attributes(attributes.value, spec.new_session);
  auto argv = pointers(spec.argv);
  auto env = pointers(spec.env);
  pid_t pid = 0;
  const std::lock_guard lock{children().mutex};
  // posix_spawn, not fork: it shares memory until exec, so a large parent
  // with many threads is neither copied nor caught holding a lock.
  const int failed = ::posix_spawn(&pid, spec.program.c_str(), &actions.value,
                                   &attributes.value, argv.data(), env.data());
  if (failed != 0) return errno_error("start " + spec.program.string(), failed);
  auto pidfd = open_pidfd(pid);
  auto identity = process_identity(pid);
  if (pidfd && identity) {
    children().started.insert(pid);
    return Child{*std::move(identity), *std::move(pidfd)};
  }
  ::kill(pid, SIGKILL);  // Ours and not reaped: the number is still its.
  ::waitpid(pid, nullptr, 0);
  return pidfd ? identity.error() : pidfd.error();
}

Result<ExitStatus> wait_child(const Child& child) {
  const auto pid = child.identity.pid;
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) < 0)
    if (errno != EINTR) return errno_error("wait", errno);
  int status = 0;
  rusage usage{};
  const std::lock_guard lock{children().mutex};
  while (::wait4(pid, &status, 0, &usage) < 0)
    if (errno != EINTR) return errno_error("wait", errno);
  children().started.erase(pid);
  ExitStatus result{.code = {}, .signal = {}, .usage = usage_of(usage)};
  if (WIFSIGNALED(status))
    result.signal = WTERMSIG(status);
  else
    result.code = WEXITSTATUS(status);
  return result;
}

Status adopt_orphans() {
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
    return errno_error("adopt orphans", errno);
  const std::lock_guard lock{children().mutex};
  children().adopts = true;
  return ok();
}

// One look is enough to see that none is left: a tree always hangs on a child
// of this process, and one that ends stays in the list until it is reaped
// here.
std::size_t end_orphans() {
  std::size_t killed = 0;
  for (int look = 0; look < kMaxLooks; ++look) {
    std::vector<ProcessInfo> orphans;
    bool none = true;
    {
      const std::lock_guard lock{children().mutex};
      if (!children().adopts) return 0;
      for (const auto& info : list_processes()) {
        if (info.parent != ::getpid() || children().started.contains(info.pid))
          continue;
        none = false;
        if (::waitpid(info.pid, nullptr, WNOHANG) == 0) orphans.push_back(info);
      }
    }
    if (none) break;
    killed += kill_tree(orphans);
    for (const auto& orphan : orphans)
      if (auto pidfd = open_pidfd(orphan.pid))
        wait_for_exit(pidfd->get(), kLookMs);
  }
  return killed;
}

}  // namespace troupe::platform
