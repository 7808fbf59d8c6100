// Bytes of artifacts in and out for sessions, on a thread of its own. Removes
// what no job refers to or needs any more; refuses bytes with another hash
// than promised.
#pragma once

#include <caf/actor_system.hpp>

#include <functional>

#include "actors/protocol.hpp"
#include "config/options.hpp"
#include "persistence/artifact_store.hpp"
#include "persistence/job_store.hpp"

namespace troupe {

struct ArtifactsOptions {
  ArtifactStore* files = nullptr;  // These two outlive the actor.
  const JobStore* store = nullptr;
  std::int64_t upload_expiry_ms = kArtifactDefaults.upload_expiry_ms;
  std::int64_t sweep_ms = 60'000;
  /// Clears what the attempts of a job left beside their artifacts, once its
  /// end is on disk.
  std::function<void(JobId)> clear_job;
  const WallClock* clock = &system_wall_clock();  // Outlives the actor.
  bool own_thread = true;
};

/// What the writer tells when retention left files without a job; and the
/// scheduler, when a job's end is on disk, with the files that it names.
using ArtifactsKeeper = ArtifactsActor::extend<
    caf::result<void>(release_atom, std::vector<std::string>),
    caf::result<void>(release_atom, JobId, std::vector<std::string>)>;

ArtifactsKeeper spawn_artifacts(caf::actor_system& sys,
                                ArtifactsOptions options);

}  // namespace troupe
