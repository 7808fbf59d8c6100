// The only writer of the job store. What waits in its mailbox becomes one
// write batch and one sync; replies leave after it. Decides nothing about
// jobs, and answers no queries.
#pragma once

#include <caf/actor_system.hpp>

#include <functional>
#include <string>
#include <vector>

#include "actors/protocol.hpp"
#include "config/options.hpp"
#include "persistence/job_store.hpp"

namespace troupe {

struct JobHistoryOptions {
  JobStore* store = nullptr;  // Outlives the actor.
  EventHubActor hub;
  /// Of one write and sync.
  std::size_t max_batch_changes =
      static_cast<std::size_t>(kStoreDefaults.max_batch_changes);
  std::int64_t retry_ms = 250;   // Between tries while the disk refuses.
  std::int64_t linger_ms = 1;    // What may wait for company waits so long.
  std::size_t index_jobs = 128;  // Indexed at a time, when nothing waits.
  /// The indexes follow once so many entries lie beyond them, or nothing was
  /// committed for so long: a job that ends before is indexed only once.
  std::uint64_t index_after = 32'768;
  std::int64_t index_idle_ms = 250;
  std::int64_t upkeep_ms = 1'000;  // Between looks at the disk.
  /// Between retention sweeps.
  std::int64_t sweep_ms = kRetentionDefaults.sweep_ms;
  RetentionPolicy retention;
  /// Gets the artifacts that nobody refers to any more. Runs in the writer's
  /// thread: hand them on.
  std::function<void(std::vector<std::string>)> orphaned;
  /// Hears when the node begins to refuse submits for the disk's sake, why,
  /// and when it takes them again. Runs in the writer's thread.
  std::function<void(const Status&)> disk_changed;
  const WallClock* clock = &system_wall_clock();  // Outlives the actor.
  bool own_thread = true;
  /// Test only: a planted defect that the proofs must catch.
  bool answer_before_sync = false;
};

JobHistoryActor spawn_job_history(caf::actor_system& sys,
                                  JobHistoryOptions options);

}  // namespace troupe
