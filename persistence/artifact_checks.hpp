// Whether a stored file still is what its name, the SHA-256, says. Changes
// nothing.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "core/clock.hpp"
#include "core/result.hpp"

namespace troupe {

/// Safe to call from every thread.
class ArtifactChecks {
 public:
  /// Reads the file, but for a large one that was found whole in the last ten
  /// minutes and has not changed since. False: damaged, or not there.
  /// Errors: denied, io_error, ...
  Result<bool> is_whole(const std::filesystem::path& file,
                        const std::string& sha256);

  /// The caller has just compared its hash.
  void remember_whole(const std::filesystem::path& file,
                      const std::string& sha256);

 private:
  // What a large file looked like when its hash was right.
  struct Look {
    SteadyMs at_ms = 0;
    std::uint64_t inode = 0;
    std::uint64_t bytes = 0;
    std::int64_t changed_ns = 0;
  };
  static std::optional<Look> look_at(const std::filesystem::path& file);
  bool was_whole(const std::string& sha256, const Look& now);
  void remember(const std::string& sha256, const Look& seen);

  std::mutex mutex_;  // Guards what follows.
  std::map<std::string, Look> whole_;
};

}  // namespace troupe
