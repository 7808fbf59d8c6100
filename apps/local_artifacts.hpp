// The executors' view of this machine's artifact store.
#pragma once

#include "actors/executor.hpp"
#include "persistence/artifact_store.hpp"

namespace troupe {

class LocalArtifacts : public ArtifactAccess {
 public:
  /// `files` outlives this.
  explicit LocalArtifacts(ArtifactStore& files) : files_{files} {}

  Result<ArtifactRef> save(const std::filesystem::path& file,
                           const std::string& name,
                           const std::string& media_type) override {
    return files_.save(file, name, media_type);
  }
  void make_room() override { files_.make_room(); }
  Status fetch(const std::string& sha256,
               const std::filesystem::path& to) override {
    return files_.fetch(sha256, to);
  }

 private:
  ArtifactStore& files_;
};

}  // namespace troupe
