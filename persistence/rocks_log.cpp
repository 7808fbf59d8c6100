#include "persistence/rocks_log.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdarg>
#include <cstdio>
#include <ctime>
#include <utility>

#include "platform/fd.hpp"

namespace troupe::storage {
namespace {

constexpr std::size_t kMaxBytes = 1 << 20;
constexpr std::size_t kMaxLine = 4'096;

std::size_t put_time(char* to, std::size_t size) {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  return std::strftime(to, size, "%Y-%m-%dT%H:%M:%SZ ", &parts);
}

class RocksLog : public rocksdb::Logger {
 public:
  explicit RocksLog(platform::Fd fd)
      : Logger{rocksdb::WARN_LEVEL}, fd_{std::move(fd)} {}

  using Logger::Logv;
  void Logv(const char* format, std::va_list arguments) override {
    char line[kMaxLine];
    auto length = put_time(line, sizeof line);
    const int more = std::vsnprintf(line + length, sizeof line - length - 1,
                                    format, arguments);
    if (more < 0 || !fd_) return;
    length = std::min(length + static_cast<std::size_t>(more), kMaxLine - 2);
    line[length++] = '\n';
    if (written_.fetch_add(length) > kMaxBytes) return;
    // One call: lines of several threads stay whole.
    if (::write(fd_.get(), line, length) < 0) return;
  }

 private:
  const platform::Fd fd_;
  std::atomic<std::size_t> written_ = 0;
};

}  // namespace

std::shared_ptr<rocksdb::Logger> make_rocks_log(
    const std::filesystem::path& dir) {
  if (dir.empty()) return std::make_shared<RocksLog>(platform::Fd{});
  const auto path = dir / "LOG";
  std::error_code ignored;
  std::filesystem::create_directories(dir, ignored);
  std::filesystem::rename(path, dir / "LOG.old", ignored);
  return std::make_shared<RocksLog>(platform::Fd{
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)});
}

}  // namespace troupe::storage
