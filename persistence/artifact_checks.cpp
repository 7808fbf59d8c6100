#include "persistence/artifact_checks.hpp"

#include <sys/stat.h>

#include "platform/sha256.hpp"

namespace troupe {
namespace {

namespace fs = std::filesystem;

// Larger files are not read again at once: that may take longer than a client
// waits, and its next try would start the same work anew. Smaller ones take
// less than half a second.
constexpr std::uint64_t kQuickBytes = 64ull << 20;
constexpr std::int64_t kHoldsMs = 600'000;

}  // namespace

std::optional<ArtifactChecks::Look> ArtifactChecks::look_at(
    const fs::path& file) {
  struct ::stat info {};
  if (::stat(file.c_str(), &info) != 0) return std::nullopt;
  Look seen;
  seen.at_ms = system_steady_clock().now();
  seen.inode = info.st_ino;
  seen.bytes = static_cast<std::uint64_t>(info.st_size);
  seen.changed_ns = info.st_ctim.tv_sec * 1'000'000'000 + info.st_ctim.tv_nsec;
  return seen;
}

bool ArtifactChecks::was_whole(const std::string& sha256, const Look& now) {
  const std::lock_guard lock{mutex_};
  const auto it = whole_.find(sha256);
  return it != whole_.end() && it->second.inode == now.inode &&
         it->second.bytes == now.bytes &&
         it->second.changed_ns == now.changed_ns &&
         now.at_ms - it->second.at_ms < kHoldsMs;
}

void ArtifactChecks::remember(const std::string& sha256, const Look& seen) {
  if (seen.bytes <= kQuickBytes) return;
  const std::lock_guard lock{mutex_};
  std::erase_if(whole_, [&](const auto& look) {
    return seen.at_ms - look.second.at_ms >= kHoldsMs;
  });
  whole_[sha256] = seen;
}

void ArtifactChecks::remember_whole(const fs::path& file,
                                    const std::string& sha256) {
  if (const auto seen = look_at(file)) remember(sha256, *seen);
}

Result<bool> ArtifactChecks::is_whole(const fs::path& file,
                                      const std::string& sha256) {
  auto seen = look_at(file);  // Before its bytes: a change meanwhile shows.
  if (!seen) return false;
  if (was_whole(sha256, *seen)) return true;
  auto hash = platform::sha256_file(file);
  if (!hash && hash.error().code == Errc::not_found) return false;
  if (!hash) return hash.error();
  if (*hash != sha256) return false;
  seen->at_ms = system_steady_clock().now();
  remember(sha256, *seen);
  return true;
}

}  // namespace troupe
