// What a model's folder is made of, file by file, and the hash that names its
// content. A file is read for its hash once: what is known of it is kept.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/result.hpp"

namespace troupe {

/// A file that has another one of these was written since.
struct FileStamp {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t bytes = 0;
  std::int64_t mtime_ns = 0;

  auto operator<=>(const FileStamp&) const = default;
};

/// Of a file or a folder, links followed; nothing where there is none.
std::optional<FileStamp> stamp_of(const std::filesystem::path& path);

struct ModelFile {
  std::string name;  // Below the model's folder, with '/'.
  FileStamp stamp;

  bool operator==(const ModelFile&) const = default;
};

/// Folders that hold more are no model's.
inline constexpr std::size_t kMaxModelEntries = 10'000;

/// All regular files beneath `dir`, in the order of their names, links to files
/// among them; without names that begin with '.', and without pickle files,
/// which are never read. Links to folders are not followed. Errors: not_found,
/// too_large, denied, io_error.
Result<std::vector<ModelFile>> model_files(const std::filesystem::path& dir);

std::uint64_t bytes_of(const std::vector<ModelFile>& files);

/// Told how far it is; false: enough.
using ModelProgress = std::function<bool(std::uint64_t done_bytes)>;

/// A copy of a file at `to` (a new one, synced) or, where that is empty, none;
/// and its SHA-256. `done` counts what was read. Errors: cancelled; io_error:
/// it changed while it was read; those of the disk.
Result<std::string> read_model_file(const std::filesystem::path& from,
                                    const FileStamp& stamp,
                                    const std::filesystem::path& to,
                                    std::uint64_t& done,
                                    const ModelProgress& progress);

/// The hashes of files that were read before: a small JSON file.
class KnownHashes {
 public:
  /// What cannot be read holds nothing: it is made anew.
  static KnownHashes load(const std::filesystem::path& file);

  std::optional<std::string> find(const FileStamp& stamp) const;
  void keep(const FileStamp& stamp, const std::filesystem::path& path,
            std::string sha256);
  /// Writes it where something is new, without files that are no more what
  /// they were. Errors: those of the disk.
  Status save();

 private:
  struct Known {
    std::string path;
    std::string sha256;
  };

  std::filesystem::path file_;
  std::map<FileStamp, Known> known_;
  bool changed_ = false;
};

/// SHA-256 over a line of each file in the order of names, as `sha256sum`
/// prints them. Reads what `known` lacks, and keeps it there. Errors: those of
/// model_files() and read_model_file().
Result<std::string> model_hash(const std::filesystem::path& dir,
                               KnownHashes& known,
                               const ModelProgress& progress);

/// The same where nothing needs to be read; else nothing.
std::optional<std::string> known_model_hash(const std::filesystem::path& dir,
                                            const KnownHashes& known);

}  // namespace troupe
