#include "persistence/prefilled_logs.hpp"

#include <algorithm>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace troupe::storage {
namespace {

class PrefilledLogs : public rocksdb::FileSystemWrapper {
 public:
  PrefilledLogs(const std::shared_ptr<rocksdb::FileSystem>& base,
                std::uint64_t bytes, bool ahead)
      : FileSystemWrapper{base}, bytes_{bytes}, ahead_{ahead} {}
  ~PrefilledLogs() override {
    if (filling_.joinable()) filling_.join();
  }

  const char* Name() const override { return "troupe.prefilled_logs"; }

  rocksdb::IOStatus NewWritableFile(
      const std::string& name, const rocksdb::FileOptions& options,
      std::unique_ptr<rocksdb::FSWritableFile>* file,
      rocksdb::IODebugContext* debug) override {
    if (!std::string_view{name}.ends_with(".log"))
      return target()->NewWritableFile(name, options, file, debug);
    // Logs of one database only: RocksDB makes them one after the other.
    const std::lock_guard lock{mutex_};
    const auto spare = name.substr(0, name.rfind('/') + 1) + "spare.fill";
    const bool is_filled =
        take_filled(spare) || fill(spare, options, debug).ok();
    const bool is_made =
        is_filled &&
        target()->ReuseWritableFile(name, spare, options, file, debug).ok();
    if (!is_made) target()->DeleteFile(spare, {}, debug).PermitUncheckedError();
    if (is_made && ahead_) fill_ahead(spare, options);
    return is_made ? rocksdb::IOStatus::OK()
                   : target()->NewWritableFile(name, options, file, debug);
  }

 private:
  // True: the thread has filled this one, and it is there to be taken.
  bool take_filled(const std::string& spare) {
    if (!filling_.joinable()) return false;
    filling_.join();
    return filled_ && spare == ahead_of_;
  }

  // The writer, who asks for the next log, need not wait for its bytes.
  void fill_ahead(const std::string& spare,
                  const rocksdb::FileOptions& options) {
    ahead_of_ = spare;
    filling_ = std::thread{[this, spare, options] {
      filled_ = fill(spare, options, nullptr).ok();
    }};
  }

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

  const std::uint64_t bytes_;
  const bool ahead_;
  std::mutex mutex_;
  std::thread filling_;   // Of the spare; joined before it is used.
  std::string ahead_of_;  // The spare's name.
  bool filled_ = false;
};

}  // namespace

std::shared_ptr<rocksdb::FileSystem> with_prefilled_logs(
    const std::shared_ptr<rocksdb::FileSystem>& base, std::uint64_t bytes,
    bool ahead) {
  return std::make_shared<PrefilledLogs>(base, bytes, ahead);
}

}  // namespace troupe::storage
