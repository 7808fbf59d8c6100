#include "actors/dependencies.hpp"

#include <algorithm>

namespace troupe {

void Dependencies::add(JobId job, JobId on) {
  waits_[job].insert(on);
  waited_for_[on].insert(job);
}

void Dependencies::drop(JobId job) {
  const auto at = waits_.find(job);
  if (at == waits_.end()) return;
  for (const JobId on : at->second) {
    const auto other = waited_for_.find(on);
    other->second.erase(job);
    if (other->second.empty()) waited_for_.erase(other);
  }
  waits_.erase(at);
}

std::vector<JobId> Dependencies::satisfied(JobId on) {
  std::vector<JobId> free;
  const auto at = waited_for_.find(on);
  if (at == waited_for_.end()) return free;
  for (const JobId job : at->second) {
    const auto waiting = waits_.find(job);
    waiting->second.erase(on);
    if (!waiting->second.empty()) continue;
    waits_.erase(waiting);
    free.push_back(job);
  }
  waited_for_.erase(at);
  return free;
}

std::vector<JobId> Dependencies::broken(JobId on) {
  std::vector<JobId> jobs;
  const auto at = waited_for_.find(on);
  if (at == waited_for_.end()) return jobs;
  jobs.assign(at->second.begin(), at->second.end());
  for (const JobId job : jobs) drop(job);
  return jobs;
}

std::vector<JobId> Dependencies::of(JobId job) const {
  const auto at = waits_.find(job);
  if (at == waits_.end()) return {};
  return {at->second.begin(), at->second.end()};
}

void complete_dependencies(JobSpec& spec) {
  const auto want = [&spec](JobId id) {
    if (std::ranges::find(spec.depends_on, id) == spec.depends_on.end())
      spec.depends_on.push_back(id);
  };
  std::vector<JobId> named;
  named.swap(spec.depends_on);
  for (const JobId id : named) want(id);
  for (const InputRef& input : spec.inputs)
    if (input.job) want(*input.job);
  for (const Binding& binding : spec.bindings) want(binding.job);
}

Failure dependency_failure(JobId on, JobId cause, JobState cause_state) {
  Failure failure{FailureClass::dependency, "dependency_not_succeeded", "", {}};
  failure.message = "depends on job " + to_string(on);
  failure.message += on == cause ? ", which "
                                 : ", which failed because job " +
                                       to_string(cause) + ", that it needed, ";
  failure.message += cause_state == JobState::failed      ? "failed"
                     : cause_state == JobState::cancelled ? "was cancelled"
                                                          : "expired";
  failure.message += ": mend that one, then retry both with one 'jobs retry'";
  return failure;
}

}  // namespace troupe
