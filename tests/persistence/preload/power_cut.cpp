// A power cut for one process: loaded before libc, it remembers what was
// written under $CUT_DIR since the last sync, and at the $CUT_AT-th operation
// of sort $CUT_KIND (write, fdatasync, rename, directory_sync) it makes the
// files what a disk could hold then, by $CUT_SEED: unsynced bytes dropped, kept
// or torn by sector; names made, moved or removed since their folder's last
// sync undone from some point on. Then it ends the process.
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace {

template <class F>
F next(const char* name) {
  return reinterpret_cast<F>(::dlsym(RTLD_NEXT, name));
}

#define REAL(name) static const auto real = next<decltype(&::name)>(#name)

thread_local bool cutting = false;  // This thread ends the process.

struct Write {
  std::uint64_t offset = 0;
  std::string old_bytes;  // What was there, up to the old end.
  std::string new_bytes;
  std::uint64_t old_size = 0;
  bool empties = false;  // The file, before anything else.
};

struct NameChange {
  enum class What { made, moved, removed } what;
  std::string path;   // Now.
  std::string other;  // moved: from; removed and overwritten: kept under.
  std::string kept;   // The overwritten one, kept; empty: none.
};

class Disk {
 public:
  Disk() {
    if (const char* dir = ::getenv("CUT_DIR")) root_ = dir;
    if (const char* at = ::getenv("CUT_AT"))
      cut_at_ = ::strtoull(at, nullptr, 10);
    if (const char* kind = ::getenv("CUT_KIND")) cut_kind_ = kind;
    if (const char* seed = ::getenv("CUT_SEED"))
      random_ = ::strtoull(seed, nullptr, 10) * 2654435761u + 1;
  }

  bool active() const { return !root_.empty(); }
  bool mine(std::string_view path) const {
    return active() && path.starts_with(root_) &&
           path.find("/LOG") == path.npos && path.find(".cut") == path.npos;
  }

  // Counts an operation; the one that is cut never happens, except for a
  // write, whose bytes may be torn.
  void operation(std::string_view kind, const std::string& path) {
    if (kind == cut_kind_ && ++count_ == cut_at_) cut(kind, path);
  }

  std::string path_of(int fd) const {
    char link[64];
    char path[4096];
    ::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const auto size = ::readlink(link, path, sizeof path - 1);
    return size > 0 ? std::string(path, static_cast<std::size_t>(size)) : "";
  }

  void written(const std::string& path, Write write) {
    unsynced_[path].push_back(std::move(write));
  }
  void synced(const std::string& path) {
    unsynced_.erase(path);
    forget_names_in(path);
  }
  void name_changed(NameChange change) {
    if (change.what == NameChange::What::moved) {
      auto node = unsynced_.extract(change.other);
      unsynced_.erase(change.path);
      if (!node.empty()) {
        node.key() = change.path;
        unsynced_.insert(std::move(node));
      }
    }
    if (change.what == NameChange::What::removed) unsynced_.erase(change.path);
    names_.push_back(std::move(change));
  }
  /// Keeps what `path` holds under another name, for undoing.
  std::string keep(const std::string& path) {
    REAL(link);
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0 || S_ISDIR(info.st_mode)) return "";
    auto kept = root_ + "/../" + std::to_string(++kept_) + ".cut";
    ::remove(kept.c_str());
    if (real(path.c_str(), kept.c_str()) != 0) return "";
    return kept;
  }

  std::recursive_mutex mutex;

 private:
  std::uint64_t draw(std::uint64_t below) {
    random_ ^= random_ << 13;
    random_ ^= random_ >> 7;
    random_ ^= random_ << 17;
    return below == 0 ? 0 : random_ % below;
  }

  // A folder was synced: the names in it are for ever.
  void forget_names_in(const std::string& dir) {
    std::erase_if(names_, [&](const NameChange& change) {
      const auto parent = change.path.substr(0, change.path.rfind('/'));
      return parent == dir;
    });
  }

  [[noreturn]] void cut(std::string_view kind, const std::string& path) {
    cutting = true;
    for (const auto& [path, writes] : unsynced_) tear(path, writes);
    // Names are journalled in order: the first ones lasted.
    const auto lasted = draw(names_.size() + 1);
    while (names_.size() > lasted) {
      undo(names_.back());
      names_.pop_back();
    }
    const bool artifact = path.find("/artifacts") != path.npos;
    ::dprintf(3, "%s %s\n", artifact ? "artifacts" : "store",
              std::string(kind).c_str());
    ::_exit(99);
  }

  void tear(const std::string& path, const std::vector<Write>& writes) {
    const int fd = ::open(path.c_str(), O_RDWR);
    if (fd < 0) return;
    REAL(pwrite);
    for (auto it = writes.rbegin(); it != writes.rend(); ++it) {
      (void)!real(fd, it->old_bytes.data(), it->old_bytes.size(),
                  static_cast<off_t>(it->offset));
      (void)!::ftruncate(fd, static_cast<off_t>(it->old_size));
    }
    const auto mode = draw(4);  // 0: all dropped, 1: all kept, else: torn.
    for (const Write& write : writes)
      if (write.empties && mode != 0) (void)!::ftruncate(fd, 0);
    const auto whole = mode == 1 ? writes.size() : draw(writes.size() + 1);
    for (std::size_t i = 0; mode != 0 && i < writes.size(); ++i) {
      constexpr std::size_t kSector = 512;
      const Write& write = writes[i];
      for (std::size_t at = 0; at < write.new_bytes.size();) {
        const auto size = std::min(kSector - (write.offset + at) % kSector,
                                   write.new_bytes.size() - at);
        if (i < whole || (mode == 3 && draw(2) == 0))
          (void)!real(fd, write.new_bytes.data() + at, size,
                      static_cast<off_t>(write.offset + at));
        at += size;
      }
    }
    ::close(fd);
  }

  static void undo(const NameChange& change) {
    switch (change.what) {
      case NameChange::What::made:
        ::unlink(change.path.c_str());
        break;
      case NameChange::What::moved:
        ::rename(change.path.c_str(), change.other.c_str());
        if (!change.kept.empty())
          ::rename(change.kept.c_str(), change.path.c_str());
        break;
      case NameChange::What::removed:
        if (!change.kept.empty())
          ::rename(change.kept.c_str(), change.path.c_str());
        break;
    }
  }

  std::string root_;
  std::uint64_t cut_at_ = 0;
  std::string cut_kind_;
  std::uint64_t count_ = 0;
  std::uint64_t random_ = 1;
  std::uint64_t kept_ = 0;
  std::map<std::string, std::vector<Write>> unsynced_;
  std::vector<NameChange> names_;
};

Disk& disk() {
  static Disk* const only = new Disk;  // Outlives every other static.
  return *only;
}

using Lock = std::unique_lock<std::recursive_mutex>;

// Empty for everything elsewhere and for the cut's own work. Whoever cuts
// never lets go of the lock: no other thread sees a folder half undone.
Lock watch(std::string_view path) {
  if (cutting || !disk().active() || !disk().mine(path)) return Lock{};
  return Lock{disk().mutex};
}

std::string absolute(const char* path) {
  if (path[0] == '/') return path;
  char cwd[4096];
  return ::getcwd(cwd, sizeof cwd) ? std::string(cwd) + "/" + path : path;
}

ssize_t pwrite_watched(int fd, const void* bytes, std::size_t size,
                       off_t offset) {
  REAL(pwrite);
  return real(fd, bytes, size, offset);
}

void remember(int fd, const std::string& path, std::uint64_t offset,
              const void* bytes, std::size_t size) {
  struct stat info {};
  ::fstat(fd, &info);
  Write write;
  write.offset = offset;
  write.old_size = static_cast<std::uint64_t>(info.st_size);
  write.new_bytes.assign(static_cast<const char*>(bytes), size);
  if (offset < write.old_size) {
    const int reader = ::open(path.c_str(), O_RDONLY);
    write.old_bytes.resize(
        std::min<std::uint64_t>(size, write.old_size - offset));
    const auto got =
        ::pread(reader, write.old_bytes.data(), write.old_bytes.size(),
                static_cast<off_t>(offset));
    write.old_bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    ::close(reader);
  }
  disk().written(path, std::move(write));
  disk().operation("write", path);
}

int open_watched(const char* name, int flags, mode_t mode,
                 int (*real)(const char*, int, ...)) {
  const auto path = absolute(name);
  const auto lock = watch(path);
  if (!lock) return real(name, flags, mode);
  const bool there = ::access(path.c_str(), F_OK) == 0;
  std::string kept;
  struct stat info {};
  if (there && (flags & O_TRUNC) && ::stat(name, &info) == 0 &&
      info.st_size > 0) {
    // As a write that empties it.
    const int old = real(name, O_RDONLY, 0);
    std::string bytes(static_cast<std::size_t>(info.st_size), '\0');
    (void)!::pread(old, bytes.data(), bytes.size(), 0);
    ::close(old);
    disk().written(path, Write{0, bytes, "", bytes.size(), true});
  }
  const int fd = real(name, flags, mode);
  if (fd >= 0 && !there && (flags & O_CREAT))
    disk().name_changed({NameChange::What::made, path, "", ""});
  return fd;
}

}  // namespace

extern "C" {

int open(const char* name, int flags, ...) {
  REAL(open);
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & O_CREAT) ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return open_watched(name, flags, mode, real);
}

int open64(const char* name, int flags, ...) {
  REAL(open64);
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & O_CREAT) ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return open_watched(name, flags, mode, real);
}

ssize_t write(int fd, const void* bytes, size_t size) {
  REAL(write);
  if (!disk().active()) return real(fd, bytes, size);
  const auto path = disk().path_of(fd);
  const auto lock = watch(path);
  if (lock) {
    struct stat info {};
    ::fstat(fd, &info);
    const bool at_end = (::fcntl(fd, F_GETFL) & O_APPEND) != 0;
    const auto offset = at_end ? info.st_size : ::lseek(fd, 0, SEEK_CUR);
    remember(fd, path, static_cast<std::uint64_t>(offset), bytes, size);
  }
  return real(fd, bytes, size);
}

ssize_t pwrite(int fd, const void* bytes, size_t size, off_t offset) {
  if (disk().active()) {
    const auto path = disk().path_of(fd);
    const auto lock = watch(path);
    if (lock)
      remember(fd, path, static_cast<std::uint64_t>(offset), bytes, size);
    return pwrite_watched(fd, bytes, size, offset);
  }
  return pwrite_watched(fd, bytes, size, offset);
}

ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t offset) {
  return pwrite(fd, bytes, size, offset);
}

int fdatasync(int fd) {
  REAL(fdatasync);
  if (!disk().active()) return real(fd);
  const auto path = disk().path_of(fd);
  const auto lock = watch(path);
  if (!lock) return real(fd);
  disk().operation("fdatasync", path);
  disk().synced(path);  // What follows is simulated: no need to wait for it.
  return 0;
}

int fsync(int fd) {
  REAL(fsync);
  if (!disk().active()) return real(fd);
  const auto path = disk().path_of(fd);
  const auto lock = watch(path);
  if (!lock) return real(fd);
  struct stat info {};
  ::fstat(fd, &info);
  disk().operation(S_ISDIR(info.st_mode) ? "directory_sync" : "fdatasync",
                   path);
  disk().synced(path);
  return 0;
}

int rename(const char* from, const char* to) {
  REAL(rename);
  const auto old_path = absolute(from);
  const auto new_path = absolute(to);
  const auto lock = watch(new_path);
  if (!lock) return real(from, to);
  disk().operation("rename", new_path);
  const auto kept = disk().keep(new_path);
  const int failed = real(from, to);
  if (failed == 0)
    disk().name_changed({NameChange::What::moved, new_path, old_path, kept});
  return failed;
}

int unlink(const char* name) {
  REAL(unlink);
  const auto path = absolute(name);
  const auto lock = watch(path);
  if (!lock) return real(name);
  const auto kept = disk().keep(path);
  const int failed = real(name);
  if (failed == 0 && !kept.empty())
    disk().name_changed({NameChange::What::removed, path, "", kept});
  return failed;
}

int remove(const char* name) {
  struct stat info {};
  if (::lstat(name, &info) == 0 && S_ISDIR(info.st_mode)) return ::rmdir(name);
  return ::unlink(name);
}

int link(const char* from, const char* to) {
  REAL(link);
  const auto path = absolute(to);
  const auto lock = watch(path);
  const int failed = real(from, to);
  if (lock && failed == 0)
    disk().name_changed({NameChange::What::made, path, "", ""});
  return failed;
}

}  // extern "C"
