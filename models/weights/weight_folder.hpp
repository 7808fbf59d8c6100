// The weights of a Hugging Face folder: model.safetensors, or the shards that
// model.safetensors.index.json names. Refuses a folder whose parts disagree.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "models/weights/weight_file.hpp"

namespace troupe {

inline constexpr std::uint64_t kMaxIndexBytes = 64u << 20;
inline constexpr std::size_t kMaxShards = 1024;

/// A tensor and the file that holds it, both owned by the folder.
struct LocatedTensor {
  const StoredTensor* tensor = nullptr;
  const WeightFile* file = nullptr;
};

/// Reading is thread-safe. Moving it leaves LocatedTensors valid.
class WeightFolder {
 public:
  /// model.safetensors wins over an index, as in transformers.
  /// Errors: not_found (no weights; a shard is missing), unsupported (only
  /// pickle files), corrupt, too_large, denied, io_error; those of all shards
  /// in one answer.
  static Result<WeightFolder> open(const std::filesystem::path& dir);

  /// Errors: not_found, with the names most like it.
  Result<LocatedTensor> find(std::string_view name) const;
  /// By name.
  const std::map<std::string, LocatedTensor, std::less<>>& tensors() const {
    return tensors_;
  }
  std::uint64_t total_bytes() const;
  /// Whether a file of it is read past the system's cache.
  bool past_cache() const;
  const std::filesystem::path& path() const { return dir_; }

 private:
  explicit WeightFolder(std::filesystem::path dir) : dir_{std::move(dir)} {}
  /// Errors: corrupt: a name is there twice.
  Status add(WeightFile file);
  /// Errors: of all files that cannot be opened or added.
  Status add_shards(const std::map<std::string, std::string>& shard_of);
  /// Every entry of `shard_of` lies where it says, and nothing else is there.
  Status check_index(const std::map<std::string, std::string>& shard_of) const;

  std::filesystem::path dir_;
  std::vector<std::unique_ptr<WeightFile>> files_;
  std::map<std::string, LocatedTensor, std::less<>> tensors_;
};

/// Tensor name to file name. Errors: corrupt: no such object, a file outside
/// the folder, too many files; unsupported: pickle files.
Result<std::map<std::string, std::string>> parse_weight_index(
    std::string_view json, std::string_view file);

}  // namespace troupe
