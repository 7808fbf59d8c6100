#include "tests/simulation/faulty_disk.hpp"

#include <unistd.h>

#include <filesystem>
#include <map>
#include <mutex>
#include <utility>

namespace troupe::simulation {

namespace {

using rocksdb::DataVerificationInfo;
using rocksdb::FileOptions;
using rocksdb::FSWritableFile;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

}  // namespace

// What was written and synced, by path.
class FaultyDisk::Files final : public rocksdb::FileSystemWrapper {
 public:
  Files() : FileSystemWrapper{rocksdb::FileSystem::Default()} {}

  const char* Name() const override { return "troupe.faulty-disk"; }

  IOStatus NewWritableFile(const std::string& path, const FileOptions& options,
                           std::unique_ptr<FSWritableFile>* result,
                           IODebugContext* context) override;
  IOStatus ReopenWritableFile(const std::string& path,
                              const FileOptions& options,
                              std::unique_ptr<FSWritableFile>* result,
                              IODebugContext* context) override {
    return NewWritableFile(path, options, result, context);
  }
  // Every file must be new, so that its beginning is known to be unsynced.
  IOStatus ReuseWritableFile(const std::string&, const std::string&,
                             const FileOptions&,
                             std::unique_ptr<FSWritableFile>*,
                             IODebugContext*) override {
    return IOStatus::NotSupported("files are not reused");
  }
  IOStatus DeleteFile(const std::string& path, const IOOptions& options,
                      IODebugContext* context) override {
    if (auto status = check(); !status.ok()) return status;
    const std::lock_guard lock{mutex_};
    synced_bytes_.erase(path);
    return target()->DeleteFile(path, options, context);
  }
  IOStatus RenameFile(const std::string& from, const std::string& to,
                      const IOOptions& options,
                      IODebugContext* context) override {
    if (auto status = check(); !status.ok()) return status;
    const std::lock_guard lock{mutex_};
    if (auto node = synced_bytes_.extract(from)) {
      node.key() = to;
      synced_bytes_.erase(to);
      synced_bytes_.insert(std::move(node));
    }
    return target()->RenameFile(from, to, options, context);
  }

  IOStatus check() const {
    const std::lock_guard lock{mutex_};
    switch (fault_) {
      case DiskFault::none:
        return IOStatus::OK();
      case DiskFault::full:
        return IOStatus::NoSpace("No space left on device");
      case DiskFault::read_only:
        return IOStatus::IOError("Read-only file system");
      case DiskFault::io_error:
      case DiskFault::power_is_cut:
        return IOStatus::IOError("input/output error");
    }
    return IOStatus::OK();
  }

  void set_fault(DiskFault fault) {
    const std::lock_guard lock{mutex_};
    fault_ = fault;
  }
  DiskFault fault() const {
    const std::lock_guard lock{mutex_};
    return fault_;
  }
  void synced(const std::string& path, std::uint64_t bytes) {
    const std::lock_guard lock{mutex_};
    synced_bytes_[path] = bytes;
  }

  void tear(Random& random) {
    const std::lock_guard lock{mutex_};
    for (const auto& [path, synced] : synced_bytes_) {
      std::error_code gone;
      const auto size = std::filesystem::file_size(path, gone);
      if (gone || size <= synced) continue;
      const auto kept = random.next() % (size - synced + 1);
      std::filesystem::resize_file(path, synced + kept, gone);
    }
    synced_bytes_.clear();
    fault_ = DiskFault::none;
  }

 private:
  mutable std::mutex mutex_;
  DiskFault fault_ = DiskFault::none;
  std::map<std::string, std::uint64_t> synced_bytes_;
};

namespace {

// Asks the disk before each write and tells it of each sync.
template <class Disk>
class TrackedFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  TrackedFile(std::unique_ptr<FSWritableFile>&& file, std::string path,
              Disk& disk)
      : FSWritableFileOwnerWrapper{std::move(file)},
        path_{std::move(path)},
        disk_{disk} {}

  IOStatus Append(const Slice& data, const IOOptions& options,
                  IODebugContext* context) override {
    auto status = disk_.check();
    if (!status.ok()) return status;
    return target()->Append(data, options, context);
  }
  IOStatus Append(const Slice& data, const IOOptions& options,
                  const DataVerificationInfo&,
                  IODebugContext* context) override {
    return Append(data, options, context);
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* context) override {
    return sync(options, context);
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* context) override {
    return sync(options, context);
  }

 private:
  IOStatus sync(const IOOptions& options, IODebugContext* context) {
    auto status = disk_.check();
    if (status.ok()) status = target()->Flush(options, context);
    if (status.ok())
      disk_.synced(path_, target()->GetFileSize(options, context));
    return status;
  }

  std::string path_;
  Disk& disk_;
};

}  // namespace

IOStatus FaultyDisk::Files::NewWritableFile(
    const std::string& path, const FileOptions& options,
    std::unique_ptr<FSWritableFile>* result, IODebugContext* context) {
  if (auto status = check(); !status.ok()) return status;
  std::unique_ptr<FSWritableFile> file;
  // Memory-mapped writes would pass by Append.
  auto plain = options;
  plain.use_mmap_writes = false;
  auto status = target()->NewWritableFile(path, plain, &file, context);
  if (!status.ok()) return status;
  synced(path, 0);
  *result = std::make_unique<TrackedFile<Files>>(std::move(file), path, *this);
  return status;
}

std::filesystem::path scratch_folder(const std::string& name) {
  std::error_code none;
  const std::filesystem::path memory = "/dev/shm";
  const auto base = std::filesystem::is_directory(memory, none)
                        ? memory
                        : std::filesystem::temp_directory_path();
  return base / ("troupe-" + std::to_string(::getpid()) + "-" + name);
}

FaultyDisk::FaultyDisk() : files_{std::make_shared<Files>()} {}

FaultyDisk::~FaultyDisk() = default;

std::shared_ptr<rocksdb::FileSystem> FaultyDisk::file_system() const {
  return files_;
}

void FaultyDisk::set_fault(DiskFault fault) {
  files_->set_fault(fault);
}

DiskFault FaultyDisk::fault() const {
  return files_->fault();
}

void FaultyDisk::cut_power() {
  files_->set_fault(DiskFault::power_is_cut);
}

void FaultyDisk::restore_power(Random& random) {
  files_->tear(random);
}

}  // namespace troupe::simulation
