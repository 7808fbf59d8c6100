// A file descriptor that closes itself, and the translation of errno into
// Error. Everything in platform/ that touches the kernel goes through these.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "core/result.hpp"

namespace troupe::platform {

/// Owns one descriptor; -1 means none. Not thread-safe.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_{fd} {}
  Fd(Fd&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~Fd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset();  // Closes; an error of close() is not reported: sync first.

 private:
  int fd_ = -1;
};

struct Pipe {
  Fd read_end;
  Fd write_end;
};

/// Both ends close on exec; both block.
Result<Pipe> make_pipe();

Status set_nonblocking(int fd, bool nonblocking);

/// "open /x: No such file or directory", with the Errc a caller can act on:
/// disk_full (ENOSPC, EDQUOT), read_only (EROFS), not_found (ENOENT, ENOTDIR),
/// already_exists (EEXIST, ENOTEMPTY), denied (EACCES, EPERM),
/// out_of_memory (ENOMEM), unavailable (EAGAIN, EMFILE, ENFILE),
/// too_large (EFBIG, ENAMETOOLONG, E2BIG); everything else is io_error.
Error errno_error(std::string_view what, int error_number);

}  // namespace troupe::platform
