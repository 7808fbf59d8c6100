#include "platform/folder_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

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

}  // namespace

Result<FolderLock> FolderLock::acquire(const std::filesystem::path& dir,
                                       std::string_view name) {
  const auto path = dir / name;
  Fd fd{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  if (!fd) return errno_error("open " + path.string(), errno);
  // flock, not fcntl: the latter is lost when any descriptor of the file is
  // closed anywhere in the process.
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return locked_by_other(dir, path);
    return errno_error("flock " + path.string(), errno);
  }
  if (::ftruncate(fd.get(), 0) != 0)
    return errno_error("truncate " + path.string(), errno);
  auto written = write_all(fd.get(), std::to_string(::getpid()));
  if (!written) return written.error();
  return FolderLock{std::move(fd)};
}

}  // namespace troupe::platform
