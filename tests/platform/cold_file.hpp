// A file that lies on the disk alone, as after a restart.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include "platform/bulk_reader.hpp"
#include "platform/file.hpp"

namespace troupe::platform {

/// False where the file system keeps it in memory, or has no way past its
/// cache: there is nothing to test then.
inline bool make_cold(const std::filesystem::path& path) {
  auto fd = open_read(path);
  if (!fd || ::fsync(fd->get()) != 0) return false;
  ::posix_fadvise(fd->get(), 0, 0, POSIX_FADV_DONTNEED);
  const auto reader = BulkReader::open(path, std::move(*fd));
  return reader && reader->past_cache();
}

}  // namespace troupe::platform
