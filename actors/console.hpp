// What an administrator asks and orders. Every order leaves an audit record
// on the log before it acts.
#pragma once

#include <caf/actor_system.hpp>

#include <filesystem>

#include "actors/protocol.hpp"
#include "persistence/artifact_store.hpp"
#include "persistence/job_store.hpp"

namespace troupe {

struct ConsoleOptions {
  const JobStore* store = nullptr;       // Outlives the actor.
  const ArtifactStore* files = nullptr;  // Likewise; null: no files to copy.
  std::filesystem::path data;  // The node's folder: no place for a backup.
  SchedulerActor scheduler;
  JobHistoryActor history;
  MemoryManagerActor memory;
  std::string node;     // Its name.
  std::string version;  // Of this build.
  std::vector<DeviceInfo> devices;
  const WallClock* clock = &system_wall_clock();  // Outlives the actor.
  std::int64_t timeout_ms = 30'000;
  std::int64_t backup_timeout_ms = 3'600'000;
};

ConsoleActor spawn_console(caf::actor_system& sys, ConsoleOptions options);

}  // namespace troupe
