#include "platform/regular_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "platform/file.hpp"

namespace troupe::platform {

Result<Fd> open_regular(const std::filesystem::path& path) {
  // Without O_NONBLOCK the open itself would wait for a FIFO's writer.
  Fd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
  // A socket cannot be opened at all.
  if (!fd && errno != ENXIO) return errno_error("open " + path.string(), errno);
  struct stat info {};
  if (fd && ::fstat(fd.get(), &info) != 0)
    return errno_error("fstat " + path.string(), errno);
  if (fd && S_ISREG(info.st_mode)) return fd;
  return Error{
      Errc::unsupported,
      path.string() + ": is " +
          (fd && S_ISDIR(info.st_mode) ? "a folder" : "no plain file") +
          "; a plain file is wanted there"};
}

Result<std::string> read_regular(const std::filesystem::path& path,
                                 std::uint64_t limit_bytes) {
  const auto fd = open_regular(path);
  if (!fd) return fd.error();
  const auto size = file_size(fd->get());
  if (!size) return size.error();
  if (*size > limit_bytes)
    return Error{Errc::too_large, "read " + path.string() + ": holds over " +
                                      std::to_string(limit_bytes) + " bytes"};
  return read_at(fd->get(), 0, *size);
}

}  // namespace troupe::platform
