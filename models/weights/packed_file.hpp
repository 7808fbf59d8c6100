// Weights as they lie in memory, kept in a file so that they are packed once:
// the bytes, in blocks that are read by one pread each and checked by a sum,
// then what they were made of. Packs nothing and judges no model; the layout
// is in docs/models.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "models/model_files.hpp"
#include "platform/bulk_reader.hpp"
#include "platform/file.hpp"

namespace troupe {

inline constexpr std::uint64_t kPackedBlockBytes = 4u << 20;
inline constexpr std::uint64_t kMaxPackedTagBytes = 64u << 20;

/// A file that the bytes were made from.
struct PackedSource {
  std::string name;
  FileStamp stamp;  // Without the device, which may differ after a restart.

  friend bool operator==(const PackedSource&, const PackedSource&) = default;
};

/// Bytes with another tag are other bytes.
struct PackedTag {
  std::string what;    // The format of the bytes, and all shapes.
  std::string folder;  // Of the sources; tells nothing of the bytes.
  std::vector<PackedSource> sources;

  friend bool operator==(const PackedTag& a, const PackedTag& b) {
    return a.what == b.what && a.sources == b.sources;
  }
};

/// Of a block; another one where any byte is another.
std::uint64_t block_sum(std::span<const std::byte> bytes);

/// A file that is there whole or not at all. Dropped before commit() it leaves
/// nothing. Errors of all: disk_full, io_error, read_only, denied.
class PackedFileWriter {
 public:
  /// Until commit() it lies in `aside`, a folder on the same file system.
  static Result<PackedFileWriter> create(const std::filesystem::path& path,
                                         const std::filesystem::path& aside,
                                         PackedTag tag);
  /// The next bytes. REQUIRES: all but the last are whole blocks.
  Status write(std::span<const std::byte> bytes);
  /// Durable, in place of what was there before.
  Status commit();

 private:
  PackedFileWriter(platform::AtomicFile file, std::filesystem::path path,
                   PackedTag tag)
      : file_{std::move(file)}, path_{std::move(path)}, tag_{std::move(tag)} {}

  platform::AtomicFile file_;
  std::filesystem::path path_;
  PackedTag tag_;
  std::vector<std::uint64_t> sums_;
};

/// Reading is thread-safe.
class PackedFile {
 public:
  /// Errors: not_found; corrupt: it is no such file, or is cut short.
  static Result<PackedFile> open(const std::filesystem::path& path);

  const PackedTag& tag() const { return tag_; }
  const std::filesystem::path& path() const { return path_; }
  std::uint64_t bytes() const { return bytes_; }
  std::uint64_t blocks() const { return sums_.size(); }
  std::uint64_t block_bytes(std::uint64_t block) const;
  bool past_cache() const { return file_.past_cache(); }

  /// Asks the system to bring these blocks, which are read soon. Advice.
  void read_ahead(std::uint64_t first, std::uint64_t count) const;

  /// Past the system's cache where `out` is aligned to kDiskBlock.
  /// REQUIRES: block < blocks(), out.size() == block_bytes(block). Errors:
  /// corrupt: other bytes than were written; io_error.
  Status read(std::uint64_t block, std::span<std::byte> out) const;

 private:
  PackedFile(std::filesystem::path path, platform::BulkReader file)
      : path_{std::move(path)}, file_{std::move(file)} {}

  std::filesystem::path path_;
  platform::BulkReader file_;
  PackedTag tag_;
  std::uint64_t bytes_ = 0;
  std::vector<std::uint64_t> sums_;
};

}  // namespace troupe
