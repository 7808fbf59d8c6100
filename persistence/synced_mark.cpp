#include "persistence/synced_mark.hpp"

#include <fcntl.h>

#include <cerrno>
#include <string>

#include "persistence/format.hpp"
#include "platform/file.hpp"

namespace troupe::storage {

Result<SyncedMark::Value> SyncedMark::read(const std::filesystem::path& path) {
  const auto bytes = platform::read_file(path);
  if (!bytes && bytes.error().code != Errc::not_found) return bytes.error();
  if (!bytes || bytes->size() != 16) return Value{};
  return Value{get_u64(bytes->data()), get_u64(bytes->data() + 8)};
}

namespace {

std::string encode(const SyncedMark::Value& value) {
  std::string bytes;
  put_u64(bytes, value.index);
  put_u64(bytes, value.sequence);
  return bytes;
}

}  // namespace

Status SyncedMark::write(const std::filesystem::path& path,
                         const Value& value) {
  return platform::write_file_atomically(path, encode(value));
}

Result<SyncedMark> SyncedMark::open(const std::filesystem::path& path) {
  platform::Fd fd{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  if (!fd) return platform::errno_error("open " + path.string(), errno);
  const auto value = read(path);
  if (!value) return value.error();
  return SyncedMark{std::move(fd), *value};
}

void SyncedMark::advance(const Value& value) {
  if (platform::write_all_at(fd_.get(), encode(value), 0)) value_ = value;
}

}  // namespace troupe::storage
