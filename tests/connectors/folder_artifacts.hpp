// An artifact store for tests: a folder of files named by their hash.
#pragma once

#include <atomic>
#include <string>

#include "actors/executor.hpp"
#include "platform/file.hpp"
#include "platform/sha256.hpp"

namespace troupe {

class FolderArtifacts : public ArtifactAccess {
 public:
  explicit FolderArtifacts(std::filesystem::path dir) : dir_{std::move(dir)} {
    std::filesystem::create_directories(dir_);
  }

  Result<ArtifactRef> save(const std::filesystem::path& file,
                           const std::string& name,
                           const std::string& media_type) override {
    if (full) return Error{Errc::disk_full, "no space left"};
    auto bytes = platform::read_file(file);
    if (!bytes) return bytes.error();
    const auto sha256 = platform::sha256_hex(*bytes);
    auto written = platform::write_file_atomically(dir_ / sha256, *bytes);
    if (!written) return written.error();
    return ArtifactRef{.name = name,
                       .sha256 = sha256,
                       .bytes = bytes->size(),
                       .media_type = media_type};
  }

  Status fetch(const std::string& sha256,
               const std::filesystem::path& to) override {
    if (damaged) return Error{Errc::corrupt, "it is damaged on this disk"};
    return platform::clone_file(dir_ / sha256, to);
  }

  std::string put(const std::string& bytes) {
    const auto sha256 = platform::sha256_hex(bytes);
    [[maybe_unused]] const auto written =
        platform::write_file_atomically(dir_ / sha256, bytes);
    return sha256;
  }
  std::string text_of(const ArtifactRef& ref) const {
    return *platform::read_file(dir_ / ref.sha256);
  }

  std::atomic<bool> full = false;
  std::atomic<bool> damaged = false;

 private:
  std::filesystem::path dir_;
};

}  // namespace troupe
