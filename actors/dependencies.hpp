// Who waits for whom, among live jobs. A job is here only while it waits.
#pragma once

#include <set>
#include <unordered_map>
#include <vector>

#include "core/job.hpp"

namespace troupe {

class Dependencies {
 public:
  void add(JobId job, JobId on);
  /// `job` waits for nobody any more (it ended first).
  void drop(JobId job);
  /// `on` ended well: the jobs that it was the last one for.
  std::vector<JobId> satisfied(JobId on);
  /// `on` ended otherwise: those that waited for it, each dropped.
  std::vector<JobId> broken(JobId on);

  bool waits(JobId job) const { return waits_.contains(job); }
  /// Whom it waits for, by id.
  std::vector<JobId> of(JobId job) const;
  bool empty() const { return waits_.empty(); }

 private:
  std::unordered_map<JobId, std::set<JobId>> waits_;  // Job: on whom.
  std::unordered_map<JobId, std::set<JobId>> waited_for_;
};

/// Adds the jobs that inputs and bindings name to depends_on, each once.
void complete_dependencies(JobSpec& spec);

/// Why a job fails whose dependency did not succeed. `cause` is where it
/// began: `on` itself, or a job that `on` depended on.
Failure dependency_failure(JobId on, JobId cause, JobState cause_state);

}  // namespace troupe
