#include "bench/jobs/disk_limits.hpp"

#include <fcntl.h>
#include <rocksdb/db.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace troupe::bench {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

double append_and_sync(const std::filesystem::path& dir, int per_sync,
                       int record_bytes, double seconds) {
  const auto file = dir / "append.log";
  const int fd = ::open(file.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
  if (fd < 0) return 0;
  // The size must not change with each sync: a log preallocates too.
  const std::string batch(static_cast<std::size_t>(per_sync * record_bytes),
                          'x');
  if (::posix_fallocate(fd, 0, 64 << 20) != 0) return 0;
  std::int64_t records = 0;
  off_t at = 0;
  const auto start = Clock::now();
  while (seconds_since(start) < seconds) {
    if (::pwrite(fd, batch.data(), batch.size(), at) !=
            static_cast<ssize_t>(batch.size()) ||
        ::fdatasync(fd) != 0)
      return 0;
    at = (at + static_cast<off_t>(batch.size())) % (48 << 20);
    records += per_sync;
  }
  const double rate = static_cast<double>(records) / seconds_since(start);
  ::close(fd);
  std::filesystem::remove(file);
  return rate;
}

double rocksdb_synced_batches(const std::filesystem::path& dir, int per_sync,
                              int record_bytes, double seconds) {
  const auto path = (dir / "rocksdb-limit").string();
  rocksdb::Options options;
  options.create_if_missing = true;
  rocksdb::DB* raw = nullptr;
  if (!rocksdb::DB::Open(options, path, &raw).ok()) return 0;
  std::unique_ptr<rocksdb::DB> db{raw};
  const std::string value(static_cast<std::size_t>(record_bytes), 'x');
  rocksdb::WriteOptions synced;
  synced.sync = true;
  std::uint64_t key = 0;
  const auto start = Clock::now();
  while (seconds_since(start) < seconds) {
    rocksdb::WriteBatch batch;
    for (int i = 0; i < per_sync; ++i) {
      const auto be = __builtin_bswap64(++key);
      batch.Put({reinterpret_cast<const char*>(&be), 8}, value);
    }
    if (!db->Write(synced, &batch).ok()) return 0;
  }
  const double rate = static_cast<double>(key) / seconds_since(start);
  db.reset();
  std::filesystem::remove_all(path);
  return rate;
}

}  // namespace troupe::bench
