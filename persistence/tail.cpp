#include "persistence/tail.hpp"

namespace troupe::storage {

std::shared_ptr<const Facts> facts_of(const JobSpec& spec) {
  auto facts = std::make_shared<Facts>();
  LiveJob& live = facts->live;
  live.kind = spec.kind;
  live.model = spec.model;
  live.tenant = spec.tenant;
  live.device = spec.device;
  live.priority = spec.priority;
  live.on_lost = spec.on_lost;
  live.memory_bytes = spec.memory_bytes;
  live.submitted_ms = spec.submitted_ms;
  live.not_before_ms = spec.not_before_ms;
  live.deadline_ms = spec.deadline_ms;
  live.timeout_ms = spec.timeout_ms;
  live.retry = spec.retry;
  live.depends_on = spec.depends_on;
  facts->tags = spec.tags;
  facts->parent = spec.parent;
  for (const auto& input : spec.inputs)
    if (!input.sha256.empty()) facts->artifacts.push_back(input.sha256);
  return facts;
}

TailJob tail_job(JobRecord record) {
  TailJob job;
  job.summary = record.summary;
  job.submitted_ms = record.submitted_ms;
  job.has_dependencies = record.has_dependencies;
  job.indexed = record.summary.state;
  job.events = std::move(record.events);
  return job;
}

JobRecord record_of(const TailJob& job) {
  JobRecord record{job.summary, job.submitted_ms, job.has_dependencies, {}};
  const auto whole = job.events.size() / kEventGroup * kEventGroup;
  record.events.assign(job.events.begin() + static_cast<long>(whole),
                       job.events.end());
  return record;
}

TailJob successor(const TailJob& job) {
  TailJob next = job;
  next.events = record_of(job).events;
  next.indexed = job.summary.state;
  next.artifacts.clear();
  return next;
}

void take_in(TailJob& job, std::uint64_t index, const Change& change) {
  if (change.type == ChangeType::submitted) job.events.reserve(3);  // Mostly.
  job.events.push_back(index);
  if (change.type == ChangeType::submitted) {
    job.facts = facts_of(*change.spec);
    job.submitted_ms = change.spec->submitted_ms;
    job.has_dependencies = !change.spec->depends_on.empty();
  } else if (change.type == ChangeType::ended) {
    for (const auto& file : change.end->artifacts)
      job.artifacts.push_back(file.sha256);
  }
}

}  // namespace troupe::storage
