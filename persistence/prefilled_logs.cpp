#include "persistence/prefilled_logs.hpp"

#include <algorithm>
#include <string>
#include <string_view>

namespace troupe::storage {
namespace {

class PrefilledLogs : public rocksdb::FileSystemWrapper {
 public:
  PrefilledLogs(std::shared_ptr<rocksdb::FileSystem> base, std::uint64_t bytes)
      : FileSystemWrapper{std::move(base)}, bytes_{bytes} {}

  const char* Name() const override { return "troupe.prefilled_logs"; }

  rocksdb::IOStatus NewWritableFile(
      const std::string& name, const rocksdb::FileOptions& options,
      std::unique_ptr<rocksdb::FSWritableFile>* file,
      rocksdb::IODebugContext* debug) override {
    if (std::string_view{name}.ends_with(".log")) {
      const auto temporary = name + ".fill";
      if (fill(temporary, options, debug).ok() &&
          target()
              ->ReuseWritableFile(name, temporary, options, file, debug)
              .ok())
        return rocksdb::IOStatus::OK();
      target()->DeleteFile(temporary, {}, debug).PermitUncheckedError();
    }
    return target()->NewWritableFile(name, options, file, debug);
  }

 private:
  rocksdb::IOStatus fill(const std::string& name,
                         const rocksdb::FileOptions& options,
                         rocksdb::IODebugContext* debug) {
    std::unique_ptr<rocksdb::FSWritableFile> file;
    auto status = target()->NewWritableFile(name, options, &file, debug);
    const std::string filling(std::min<std::uint64_t>(bytes_, 1 << 20),
                              kLogFilling);
    for (std::uint64_t done = 0; status.ok() && done < bytes_;
         done += filling.size())
      status = file->Append(filling, {}, debug);
    if (status.ok()) status = file->Sync({}, debug);
    if (status.ok()) status = file->Close({}, debug);
    return status;
  }

  std::uint64_t bytes_;
};

}  // namespace

std::shared_ptr<rocksdb::FileSystem> with_prefilled_logs(
    std::shared_ptr<rocksdb::FileSystem> base, std::uint64_t bytes) {
  return std::make_shared<PrefilledLogs>(std::move(base), bytes);
}

}  // namespace troupe::storage
