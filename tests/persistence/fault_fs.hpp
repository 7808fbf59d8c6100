// A file system for RocksDB that fails when told to.
#pragma once

#include <rocksdb/file_system.h>

#include <atomic>
#include <memory>
#include <string>

namespace troupe {

/// What fails from now on; none: nothing.
enum class DiskFault { none, disk_full, io_error, sync_error, read_only };

class FaultFs : public rocksdb::FileSystemWrapper {
 public:
  FaultFs() : FileSystemWrapper{rocksdb::FileSystem::Default()} {}
  const char* Name() const override { return "fault_fs"; }

  std::atomic<DiskFault> fault{DiskFault::none};
  std::atomic<int> failures{0};

  rocksdb::IOStatus NewWritableFile(
      const std::string& name, const rocksdb::FileOptions& options,
      std::unique_ptr<rocksdb::FSWritableFile>* file,
      rocksdb::IODebugContext* debug) override {
    if (auto failed = fails(false); !failed.ok()) return failed;
    auto status = target()->NewWritableFile(name, options, file, debug);
    if (status.ok()) *file = std::make_unique<File>(*this, std::move(*file));
    return status;
  }
  rocksdb::IOStatus ReuseWritableFile(
      const std::string& name, const std::string& old,
      const rocksdb::FileOptions& options,
      std::unique_ptr<rocksdb::FSWritableFile>* file,
      rocksdb::IODebugContext* debug) override {
    if (auto failed = fails(false); !failed.ok()) return failed;
    auto status = target()->ReuseWritableFile(name, old, options, file, debug);
    if (status.ok()) *file = std::make_unique<File>(*this, std::move(*file));
    return status;
  }

  rocksdb::IOStatus fails(bool sync) {
    const auto now = fault.load();
    if (now == DiskFault::none || (now == DiskFault::sync_error && !sync))
      return rocksdb::IOStatus::OK();
    ++failures;
    if (now == DiskFault::disk_full)
      return rocksdb::IOStatus::NoSpace("injected");
    if (now == DiskFault::read_only)
      return rocksdb::IOStatus::IOError("injected: Read-only file system");
    return rocksdb::IOStatus::IOError("injected");
  }

 private:
  class File : public rocksdb::FSWritableFileOwnerWrapper {
   public:
    File(FaultFs& fs, std::unique_ptr<rocksdb::FSWritableFile> file)
        : FSWritableFileOwnerWrapper{std::move(file)}, fs_{fs} {}
    using FSWritableFileOwnerWrapper::Append;
    rocksdb::IOStatus Append(const rocksdb::Slice& bytes,
                             const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override {
      if (auto failed = fs_.fails(false); !failed.ok()) {
        // A disk that fills up takes the first half.
        (void)FSWritableFileOwnerWrapper::Append(
            {bytes.data(), bytes.size() / 2}, options, debug);
        return failed;
      }
      return FSWritableFileOwnerWrapper::Append(bytes, options, debug);
    }
    rocksdb::IOStatus Sync(const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* debug) override {
      if (auto failed = fs_.fails(true); !failed.ok()) return failed;
      return FSWritableFileOwnerWrapper::Sync(options, debug);
    }

   private:
    FaultFs& fs_;
  };
};

}  // namespace troupe
