#include "platform/fd.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace troupe::platform {

namespace {

Errc code_of(int error_number) {
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
      return Errc::disk_full;
    case EROFS:
      return Errc::read_only;
    case ENOENT:
    case ENOTDIR:
      return Errc::not_found;
    case EEXIST:
    case ENOTEMPTY:
      return Errc::already_exists;
    case EACCES:
    case EPERM:
      return Errc::denied;
    case ENOMEM:
      return Errc::out_of_memory;
    case EAGAIN:
    case EMFILE:
    case ENFILE:
      return Errc::unavailable;
    case EFBIG:
    case ENAMETOOLONG:
    case E2BIG:
      return Errc::too_large;
    default:
      return Errc::io_error;
  }
}

}  // namespace

void Fd::reset() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return errno_error("pipe", errno);
  return Pipe{Fd{ends[0]}, Fd{ends[1]}};
}

Status set_nonblocking(int fd, bool nonblocking) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0) return errno_error("fcntl", errno);
  const int wanted = nonblocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
  if (::fcntl(fd, F_SETFL, wanted) != 0) return errno_error("fcntl", errno);
  return ok();
}

Error errno_error(std::string_view what, int error_number) {
  std::string text{what};
  text += ": ";
  text += std::generic_category().message(error_number);
  return {code_of(error_number), std::move(text)};
}

}  // namespace troupe::platform
