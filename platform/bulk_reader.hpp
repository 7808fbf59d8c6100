// Reading large files once, as weights are read. What lies in the system's
// cache is taken from there. A file that lies on the disk is read past the
// cache: that takes half the processor time of a byte, and leaves no second
// copy in memory that others count on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

#include "core/result.hpp"
#include "platform/fd.hpp"

namespace troupe::platform {

/// Where reads past the cache begin and end, in files and in memory.
inline constexpr std::size_t kDiskBlock = 4096;

/// Memory of one reader, aligned to kDiskBlock, that grows with what it reads.
class AlignedBytes {
 public:
  std::byte* at_least(std::size_t bytes);

 private:
  struct Free {
    void operator()(std::byte* block) const;
  };
  std::unique_ptr<std::byte, Free> block_;
  std::size_t bytes_ = 0;
};

/// Reading is thread-safe.
class BulkReader {
 public:
  /// Decides how it reads, by what lies in the cache now. `fd` reads `path`.
  /// Errors: io_error.
  static Result<BulkReader> open(const std::filesystem::path& path, Fd fd);

  int fd() const { return fd_.get(); }
  bool past_cache() const { return static_cast<bool>(direct_); }

  /// Asks the system to bring these bytes, where they come through its cache.
  void read_ahead(std::uint64_t offset, std::uint64_t bytes) const;

  /// Fills `out`; says how many bytes there were, fewer at the file's end.
  /// Past the cache where `offset` and `out` are aligned.
  Result<std::size_t> read(std::uint64_t offset,
                           std::span<std::byte> out) const;

  /// The file's bytes, fewer at its end, in `aside` until it is used again.
  Result<std::span<const std::byte>> view(std::uint64_t offset,
                                          std::size_t bytes,
                                          AlignedBytes& aside) const;

 private:
  BulkReader(Fd fd, Fd direct)
      : fd_{std::move(fd)}, direct_{std::move(direct)} {}

  Fd fd_;
  Fd direct_;  // None: through the cache.
};

}  // namespace troupe::platform
