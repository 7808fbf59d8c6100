#include "platform/leftovers.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "platform/fd.hpp"

namespace troupe::platform {
namespace {

bool is_temporary(std::string_view name) {
  if (!name.starts_with(kTemporaryPrefix) || !name.ends_with(kTemporarySuffix))
    return false;
  if (name.size() <= kTemporaryPrefix.size() + kTemporarySuffix.size())
    return false;
  name.remove_prefix(kTemporaryPrefix.size());
  name.remove_suffix(kTemporarySuffix.size());
  return name.find_first_not_of("0123456789") == name.npos;
}

/// The age alone is not enough: its writer may have been stopped for long. Nor
/// is the lock: not every file system has them.
bool is_left(const std::filesystem::path& path, std::int64_t older_than_ms) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return false;
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  const auto age_ms = (std::int64_t{now.tv_sec} - info.st_mtim.tv_sec) * 1'000;
  if (age_ms <= older_than_ms) return false;
  const Fd fd{::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
  if (!fd) return false;
  return ::flock(fd.get(), LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
}

}  // namespace

std::size_t remove_leftovers(const std::filesystem::path& dir,
                             std::int64_t older_than_ms) {
  std::vector<std::filesystem::path> found;
  std::error_code failed;
  for (std::filesystem::directory_iterator at{dir, failed}, end;
       !failed && at != end; at.increment(failed))
    if (is_temporary(at->path().filename().string()))
      found.push_back(at->path());
  std::size_t removed = 0;
  for (const auto& path : found)
    if (is_left(path, older_than_ms) && ::unlink(path.c_str()) == 0) ++removed;
  return removed;
}

}  // namespace troupe::platform
