// What the log says beyond the indexes' watermark, in memory: the jobs whose
// newest entries are not indexed yet.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/change.hpp"
#include "persistence/format.hpp"
#include "persistence/job_store.hpp"

namespace troupe::storage {

/// What indexes need of a specification; never changes.
struct Facts {
  LiveJob live;  // Without its summary.
  std::vector<std::string> tags;
  std::optional<JobId> parent;
  std::vector<std::string> artifacts;  // SHA-256 of its inputs.
};
std::shared_ptr<const Facts> facts_of(const JobSpec& spec);

struct TailJob {
  JobSummary summary;
  UnixMs submitted_ms = 0;
  bool has_dependencies = false;
  bool forgotten = false;
  /// The state the index has it under; nothing: the index does not know it.
  std::optional<JobState> indexed;
  /// Log indices; the last one's seq is summary.seq. Begins with an event
  /// whose seq is 1 + a multiple of kEventGroup.
  std::vector<std::uint64_t> events;
  /// Shared by the generations; null: the index has them.
  std::shared_ptr<const Facts> facts;
  std::vector<std::string> artifacts;  // SHA-256 of its end's files.
};

/// As the index has it.
TailJob tail_job(JobRecord record);
JobRecord record_of(const TailJob& job);
/// `job` for the next generation, once this one is indexed.
TailJob successor(const TailJob& job);
/// Takes `change`, which apply() has allowed, into the job.
void take_in(TailJob& job, std::uint64_t index, const Change& change);

/// Jobs with entries in one stretch of the log.
struct Generation {
  std::unordered_map<JobId, TailJob> jobs;
  std::uint64_t through = 0;  // The last index of the stretch.

  const TailJob* find(JobId id) const {
    const auto it = jobs.find(id);
    return it == jobs.end() ? nullptr : &it->second;
  }
};

}  // namespace troupe::storage
