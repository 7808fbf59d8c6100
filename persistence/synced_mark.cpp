#include "persistence/synced_mark.hpp"

#include <fcntl.h>

#include <cerrno>
#include <string>

#include "persistence/format.hpp"
#include "platform/file.hpp"

namespace troupe::storage {

Result<SyncedMark> SyncedMark::open(const std::filesystem::path& path) {
  platform::Fd fd{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  if (!fd) return platform::errno_error("open " + path.string(), errno);
  auto bytes = platform::read_at(fd.get(), 0, 16);
  if (!bytes) return bytes.error();
  Value value;
  if (bytes->size() == 16) {
    value.index = get_u64(bytes->data());
    value.sequence = get_u64(bytes->data() + 8);
  }
  return SyncedMark{std::move(fd), value};
}

void SyncedMark::advance(const Value& value) {
  std::string bytes;
  put_u64(bytes, value.index);
  put_u64(bytes, value.sequence);
  if (platform::write_all_at(fd_.get(), bytes, 0)) value_ = value;
}

}  // namespace troupe::storage
