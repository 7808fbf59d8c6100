#include "platform/folder_lock.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "platform/file.hpp"

namespace troupe::platform {

namespace {

Error locked_by_other(const std::filesystem::path& dir,
                      const std::filesystem::path& path) {
  auto holder = read_file(path, 64);
  std::string who = "another process";
  if (holder && !holder->empty()) who = "process " + *holder;
  return {Errc::locked, "the data folder " + dir.string() + " is in use by " +
                            who + "; stop it or choose another folder"};
}

// A holder that is killed while it starts a program leaves the lock, for
// moments, to that program's process: until this runs its own code.
constexpr int kMaxWaitMs = 5'000;
constexpr int kWaitMs = 5;

// The holder that the file names; false where it names none.
bool is_dead(const std::filesystem::path& path) {
  const auto holder = read_file(path, 64);
  if (!holder || holder->empty()) return false;
  const auto pid = std::strtol(holder->c_str(), nullptr, 10);
  return pid > 0 && ::kill(static_cast<pid_t>(pid), 0) != 0 && errno == ESRCH;
}

}  // namespace

Result<FolderLock> FolderLock::acquire(const std::filesystem::path& dir,
                                       std::string_view name, int patience_ms) {
  const auto path = dir / name;
  Fd fd{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  if (!fd && errno == EISDIR)
    return Error{Errc::io_error,
                 path.string() +
                     " is a folder, where the lock is kept in a file of that "
                     "name; move the folder away"};
  if (!fd) return errno_error("open " + path.string(), errno);
  // flock, not fcntl: the latter is lost when any descriptor of the file is
  // closed anywhere in the process.
  for (int waited_ms = 0; ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0;
       waited_ms += kWaitMs) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK)
      return errno_error("flock " + path.string(), errno);
    const int most_ms = is_dead(path) ? kMaxWaitMs : patience_ms;
    if (waited_ms >= most_ms) return locked_by_other(dir, path);
    std::this_thread::sleep_for(std::chrono::milliseconds{kWaitMs});
  }
  if (::ftruncate(fd.get(), 0) != 0)
    return errno_error("truncate " + path.string(), errno);
  auto written = write_all(fd.get(), std::to_string(::getpid()));
  if (!written) return written.error();
  return FolderLock{std::move(fd)};
}

}  // namespace troupe::platform
