#include "platform/file.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>

#include "platform/leftovers.hpp"

namespace troupe::platform {

namespace {

std::string what(const char* verb, const std::filesystem::path& path) {
  return std::string{verb} + " " + path.string();
}

Result<Fd> open_with(const std::filesystem::path& path, int flags,
                     unsigned mode) {
  for (;;) {
    const int fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
    if (fd >= 0) return Fd{fd};
    if (errno != EINTR) return errno_error(what("open", path), errno);
  }
}

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path()
                                : std::filesystem::path{"."};
}

Status sync_with(int (*sync)(int), const char* name, int fd) {
  // Not repeated after EIO: the kernel may have dropped the dirty pages, and
  // a second fsync would report a success that never happened.
  while (sync(fd) != 0)
    if (errno != EINTR) return errno_error(name, errno);
  return ok();
}

Status copy_bytes(int from, int to) {
  if (::ioctl(to, FICLONE, from) == 0) return ok();
  std::array<char, 1 << 16> buffer;
  for (;;) {
    const ssize_t n = ::read(from, buffer.data(), buffer.size());
    if (n == 0) return ok();
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("read", errno);
    auto written = write_all(to, {buffer.data(), static_cast<std::size_t>(n)});
    if (!written) return written;
  }
}

Status write_zeros(int fd, std::uint64_t from, std::uint64_t to) {
  static constexpr std::array<char, 1 << 16> kZeros{};
  while (from < to) {
    const auto n = std::min<std::uint64_t>(kZeros.size(), to - from);
    auto written =
        write_all_at(fd, {kZeros.data(), static_cast<std::size_t>(n)}, from);
    if (!written) return written;
    from += n;
  }
  return ok();
}

}  // namespace

Result<Fd> open_read(const std::filesystem::path& path) {
  return open_with(path, O_RDONLY, 0);
}

Result<Fd> open_write(const std::filesystem::path& path, unsigned mode) {
  return open_with(path, O_RDWR | O_CREAT | O_TRUNC, mode);
}

Result<Fd> open_append(const std::filesystem::path& path, unsigned mode) {
  return open_with(path, O_RDWR | O_CREAT | O_APPEND, mode);
}

Result<Fd> open_existing(const std::filesystem::path& path) {
  return open_with(path, O_WRONLY | O_NOCTTY, 0);
}

Result<Fd> create_new(const std::filesystem::path& path, unsigned mode) {
  return open_with(path, O_RDWR | O_CREAT | O_EXCL, mode);
}

Status write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("write", errno);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return ok();
}

Status write_all_at(int fd, std::string_view bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t n =
        ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("write", errno);
    bytes.remove_prefix(static_cast<std::size_t>(n));
    offset += static_cast<std::uint64_t>(n);
  }
  return ok();
}

Result<std::size_t> read_into(int fd, std::uint64_t offset,
                              std::span<std::byte> out) {
  std::size_t have = 0;
  while (have < out.size()) {
    const ssize_t n = ::pread(fd, out.data() + have, out.size() - have,
                              static_cast<off_t>(offset + have));
    if (n == 0) break;
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("read", errno);
    have += static_cast<std::size_t>(n);
  }
  return have;
}

Result<std::string> read_at(int fd, std::uint64_t offset, std::size_t limit) {
  std::string bytes(limit, '\0');
  auto have = read_into(fd, offset, std::as_writable_bytes(std::span{bytes}));
  if (!have) return have.error();
  bytes.resize(*have);
  return bytes;
}

void read_ahead(int fd, std::uint64_t offset, std::uint64_t bytes) {
  static_cast<void>(::posix_fadvise(fd, static_cast<off_t>(offset),
                                    static_cast<off_t>(bytes),
                                    POSIX_FADV_WILLNEED));
}

Result<std::string> read_file(const std::filesystem::path& path,
                              std::uint64_t limit_bytes) {
  auto fd = open_read(path);
  if (!fd) return fd.error();
  // Read until the end, not st_size: files of /proc claim to be empty.
  std::string bytes;
  std::array<char, 1 << 14> buffer;
  for (;;) {
    const ssize_t n = ::read(fd->get(), buffer.data(), buffer.size());
    if (n == 0) return bytes;
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error(what("read", path), errno);
    bytes.append(buffer.data(), static_cast<std::size_t>(n));
    if (bytes.size() > limit_bytes)
      return Error{Errc::too_large, what("read", path) + ": holds over " +
                                        std::to_string(limit_bytes) + " bytes"};
  }
}

std::string link_circle(const std::filesystem::path& path) {
  return "'" + path.string() +
         "' is a symbolic link that leads to itself; name a file";
}

Result<std::uint64_t> file_size(int fd) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return errno_error("fstat", errno);
  return static_cast<std::uint64_t>(info.st_size);
}

Status sync_file(int fd) {
  return sync_with(&::fsync, "fsync", fd);
}

Status sync_data(int fd) {
  return sync_with(&::fdatasync, "fdatasync", fd);
}

Status sync_dir(const std::filesystem::path& dir) {
  auto fd = open_with(dir, O_RDONLY | O_DIRECTORY, 0);
  if (!fd) return fd.error();
  return sync_file(fd->get());
}

Status rename_durably(const std::filesystem::path& from,
                      const std::filesystem::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0)
    return errno_error(what("rename", from) + " to " + to.string(), errno);
  auto synced = sync_dir(folder_of(to));
  if (!synced || folder_of(from) == folder_of(to)) return synced;
  return sync_dir(folder_of(from));
}

Status make_dirs(const std::filesystem::path& dir, unsigned mode) {
  std::error_code ignored;  // What is wrong with it, mkdir says too.
  if (dir.empty() || std::filesystem::is_directory(dir, ignored)) return ok();
  auto parent = make_dirs(dir.parent_path(), mode);
  if (!parent) return parent;
  if (::mkdir(dir.c_str(), mode) != 0 && errno != EEXIST)
    return errno_error(what("mkdir", dir), errno);
  return sync_dir(folder_of(dir));
}

Status write_file_atomically(const std::filesystem::path& path,
                             std::string_view bytes, unsigned mode) {
  auto file = AtomicFile::create(folder_of(path), mode);
  if (!file) return file.error();
  auto written = file->write(bytes);
  if (!written) return written;
  return file->commit(path);
}

Status link_or_copy(const std::filesystem::path& from,
                    const std::filesystem::path& to) {
  if (::link(from.c_str(), to.c_str()) == 0) return ok();
  if (errno == EEXIST || errno == ENOENT)
    return errno_error(what("link", from) + " to " + to.string(), errno);
  return clone_file(from, to);
}

Status clone_file(const std::filesystem::path& from,
                  const std::filesystem::path& to, unsigned mode) {
  auto source = open_read(from);
  if (!source) return source.error();
  auto target = create_new(to, mode);
  if (!target) return target.error();
  return copy_bytes(source->get(), target->get());
}

Status preallocate(int fd, std::uint64_t bytes) {
  auto before = file_size(fd);
  if (!before) return before.error();
  if (*before >= bytes || bytes == 0) return ok();
  // ext4 gives away all there is before it says that it does not suffice: for
  // that moment nobody else on the disk could write.
  struct statvfs space {};
  if (::fstatvfs(fd, &space) == 0 && space.f_frsize > 0 &&
      bytes - *before > std::uint64_t{space.f_bavail} * space.f_frsize)
    return errno_error("fallocate", ENOSPC);
  Status done = ok();
  // The plain call, not posix_fallocate: that one's emulation writes a byte a
  // block and cannot be told from the real thing.
  if (::fallocate(fd, 0, 0, static_cast<off_t>(bytes)) != 0)
    done = errno == EOPNOTSUPP ? write_zeros(fd, *before, bytes)
                               : Status{errno_error("fallocate", errno)};
  if (!done && ::ftruncate(fd, static_cast<off_t>(*before)) != 0)
    done.error().message += "; and the partial reserve could not be removed";
  return done;
}

Status check_private(const std::filesystem::path& path,
                     const std::string& what) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || (info.st_mode & 077) == 0)
    return ok();
  char mode[8];
  std::snprintf(mode, sizeof mode, "%04o", info.st_mode & 07777u);
  return Error{Errc::denied, path.string() + ": other users may use this " +
                                 what + " (its mode is " + mode +
                                 "); type: chmod " +
                                 (S_ISDIR(info.st_mode) ? "700" : "600") +
                                 " '" + path.string() + "'"};
}

Result<DiskSpace> disk_space(const std::filesystem::path& dir) {
  struct statvfs info {};
  if (::statvfs(dir.c_str(), &info) != 0)
    return errno_error(what("statvfs", dir), errno);
  return DiskSpace{.total_bytes = info.f_blocks * info.f_frsize,
                   .free_bytes = info.f_bavail * info.f_frsize,
                   .read_only = (info.f_flag & ST_RDONLY) != 0};
}

Result<AtomicFile> AtomicFile::create(const std::filesystem::path& dir,
                                      unsigned mode) {
  for (;;) {
    std::uint64_t random = 0;
    if (::getrandom(&random, sizeof random, 0) != sizeof random)
      return errno_error("getrandom", errno);
    const auto name = std::string(kTemporaryPrefix) + std::to_string(random) +
                      std::string(kTemporarySuffix);
    auto fd = create_new(dir / name, mode);
    // Tells remove_leftovers() that its writer lives.
    if (fd) ::flock(fd->get(), LOCK_EX | LOCK_NB);
    if (fd) return AtomicFile{*std::move(fd), dir / name};
    if (fd.error().code != Errc::already_exists) return fd.error();
  }
}

AtomicFile& AtomicFile::operator=(AtomicFile&& other) noexcept {
  if (this != &other) {
    discard();
    fd_ = std::move(other.fd_);
    temporary_ = std::exchange(other.temporary_, {});
    size_ = other.size_;
  }
  return *this;
}

AtomicFile::~AtomicFile() {
  discard();
}

void AtomicFile::discard() {
  if (fd_) ::unlink(temporary_.c_str());
  fd_.reset();
}

Status AtomicFile::write(std::string_view bytes) {
  auto written = write_all(fd_.get(), bytes);
  if (written) size_ += bytes.size();
  return written;
}

Status AtomicFile::commit(const std::filesystem::path& path) {
  auto synced = sync_file(fd_.get());
  if (!synced) return synced;
  auto renamed = rename_durably(temporary_, path);
  // After the rename only the folder's sync can have failed; the temporary
  // name is gone either way and unlinking it again is harmless.
  if (renamed) fd_.reset();
  return renamed;
}

}  // namespace troupe::platform
