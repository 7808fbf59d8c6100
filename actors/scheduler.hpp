// The head's scheduler: an actor around the decisions of schedule.hpp. Puts
// what they change on the log, asks the ledger, hands attempts to executors
// and holds answers back until what they say is durable.
#pragma once

#include <caf/actor_system.hpp>

#include <functional>

#include "actors/protocol.hpp"
#include "actors/schedule.hpp"
#include "config/options.hpp"
#include "core/kind.hpp"
#include "persistence/job_store.hpp"

namespace troupe {

struct SchedulerOptions {
  const JobStore* store = nullptr;  // Outlives the actor.
  JobHistoryActor history;
  MemoryManagerActor memory;
  /// Known beforehand; each is down until an executor comes with it. Without
  /// them a job that names its device is refused while that one restarts.
  std::vector<DeviceInfo> devices;
  Kinds kinds;
  JobConfig job_limits;
  SchedulerLimits limits;
  /// At start-up, for a job that failed because the attempt it names was lost
  /// with the node: may add artifacts (its logs) and last lines to the end.
  std::function<void(const Token&, JobEnd&)> complete_lost;
  /// Of a job that ended after an attempt, once that is on disk, with the
  /// files that its end names; not of a success without files. Quick: it is
  /// called by the actor.
  std::function<void(JobId, const std::vector<ArtifactRef>&)> on_ended;
  /// Whether a file that a job names by its hash is here; unset: not checked.
  /// Quick, as above.
  std::function<bool(const std::string& sha256)> has_file;
  /// Hears of devices that come and go after the start. Quick, as above.
  std::function<void(const std::string& device, bool up)> device_changed;
  /// What a job's model takes where it is computed; asked for kinds that need
  /// one, unset: not known. Quick, as above. Errors: for the submitter.
  std::function<Result<ModelUse>(const JobSpec&)> model_use;
  ScheduleDefects defects;                             // Tests only.
  const WallClock* wall = &system_wall_clock();        // These two outlive
  const SteadyClock* steady = &system_steady_clock();  // the actor.
  std::uint64_t random_seed = 0;        // 0: drawn from the operating system.
  std::int64_t timeout_ms = 30'000;     // Of requests inside the node.
  std::size_t spec_cache_jobs = 4'096;  // Kept at hand for their start.
  bool own_thread = true;
};

SchedulerActor spawn_scheduler(caf::actor_system& sys,
                               SchedulerOptions options);

}  // namespace troupe
