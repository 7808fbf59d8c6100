#include "actors/restore.hpp"

#include <algorithm>
#include <vector>

#include "codec/json.hpp"

namespace troupe {
namespace {

constexpr std::size_t kSpecsAtOnce = 256;

// When and where the running attempt was started, and whether somebody asked
// since then to end it.
Status complete(const JobStore& store, RestoredJob& job) {
  auto entries = store.log_after(job.summary.start_index - 1, 1, SIZE_MAX);
  if (!entries) return entries.error();
  if (entries->empty() || !entries->front().change.start)
    return Error{
        Errc::corrupt,
        "the start of job " + to_string(job.summary.id) + " is not on the log"};
  const auto& start = entries->front();
  job.start = start.change.start;
  job.start_epoch = start.epoch;
  job.start_time_ms = start.change.time_ms;
  auto since =
      store.job_events(job.summary.id, start.change.seq, SIZE_MAX, SIZE_MAX);
  if (!since) return since.error();
  for (const auto& entry : *since) take_note(entry.change, job);
  return ok();
}

// When a job that waited for others came into the queue: its age counts from
// then.
Status find_unblocked(const JobStore& store, RestoredJob& job) {
  auto events = store.job_events(job.summary.id, 1, SIZE_MAX, SIZE_MAX);
  if (!events) return events.error();
  for (const auto& entry : *events)
    if (entry.change.type == ChangeType::unblocked)
      job.queued_ms = entry.change.time_ms;
  return ok();
}

// When a job that was retried went back into the queue: its age counts anew.
Status find_queued(const JobStore& store, RestoredJob& job) {
  if (job.summary.requeue_index == 0) return find_unblocked(store, job);
  auto entries = store.log_after(job.summary.requeue_index - 1, 1, SIZE_MAX);
  if (!entries) return entries.error();
  if (!entries->empty()) job.queued_ms = entries->front().change.time_ms;
  return ok();
}

Status restore_some(const JobStore& store,
                    const std::vector<JobSummary>& summaries,
                    const std::function<void(const RestoredJob&)>& fn) {
  std::vector<std::uint64_t> indices;
  for (const auto& s : summaries) indices.push_back(s.spec_index);
  auto specs = store.specs(indices);
  if (!specs) return specs.error();
  for (std::size_t i = 0; i < summaries.size(); ++i) {
    RestoredJob job;
    job.summary = summaries[i];
    job.spec = std::move((*specs)[i]);
    if (job.summary.state == JobState::running)
      if (auto done = complete(store, job); !done) return done;
    if (job.summary.state == JobState::queued &&
        (job.summary.requeue_index > 0 || !job.spec.depends_on.empty()))
      if (auto done = find_queued(store, job); !done) return done;
    fn(job);
  }
  return ok();
}

// Never started, never retried, needs nobody: most of a long queue. What the
// index has of it is enough; reading a million specifications takes seconds.
// How a model is to be loaded stands in the parameters.
bool only_waits(const LiveJob& live) {
  return live.model.empty() && live.summary.state == JobState::queued &&
         live.summary.attempt == 0 && live.summary.requeue_index == 0 &&
         live.depends_on.empty();
}

// Into the same job again and again: making one anew costs more than filling
// it. What is not set here such a job does not have.
void fill(RestoredJob& job, const LiveJob& live) {
  job.summary = live.summary;
  job.whole_spec = false;
  JobSpec& spec = job.spec;
  spec.id = live.summary.id;
  spec.kind = live.kind;
  spec.model = live.model;
  spec.tenant = live.tenant;
  spec.device = live.device;
  spec.priority = live.priority;
  spec.on_lost = live.on_lost;
  spec.memory_bytes = live.memory_bytes;
  spec.submitted_ms = live.submitted_ms;
  spec.not_before_ms = live.not_before_ms;
  spec.deadline_ms = live.deadline_ms;
  spec.timeout_ms = live.timeout_ms;
  spec.retry = live.retry;
}

}  // namespace

void take_note(const Change& change, RestoredJob& job) {
  if (!change.note) return;
  const auto& name = change.note->name;
  if (name == "cancel_requested") job.cancel_requested = true;
  if (name == kEngineFullNote && job.engine_full_ms == 0)
    job.engine_full_ms = change.time_ms;
  if (name != kEngineRoomNote || job.engine_full_ms == 0) return;
  // The wall clock may have been set.
  job.engine_waited_ms +=
      std::max<std::int64_t>(0, change.time_ms - job.engine_full_ms);
  job.engine_full_ms = 0;
}

Status restore_from(const JobStore& store,
                    const std::function<void(const RestoredJob&)>& job,
                    const std::function<void(const ControlRequest&)>& order) {
  auto controls = store.controls();
  if (!controls) return controls.error();
  for (const auto& entry : *controls)
    if (auto request = control_order(entry.change)) order(*request);
  std::vector<JobSummary> some;  // Whose specifications must be read.
  RestoredJob waiting;
  Status failed = ok();
  const auto flush = [&] {
    if (failed) failed = restore_some(store, some, job);
    some.clear();
  };
  auto done = store.for_each_live([&](const LiveJob& live) {
    if (only_waits(live)) {
      flush();  // In queue order.
      fill(waiting, live);
      return job(waiting);
    }
    some.push_back(live.summary);
    if (some.size() == kSpecsAtOnce) flush();
  });
  flush();
  return done ? failed : done;
}

Result<PastJob> StorePastJobs::find(JobId id) {
  auto summary = store_.summary(id);
  if (!summary) return summary.error();
  auto spec = store_.spec(id);
  if (!spec) return spec.error();
  return PastJob{summary->state, content_hash(*spec), spec->tenant};
}

std::optional<ControlRequest> control_order(const Change& change) {
  if (change.type != ChangeType::control || !change.note) return std::nullopt;
  ControlRequest order;
  order.by = change.note->by;
  if (change.note->name == "pause")
    order.verb = ControlVerb::pause;
  else if (change.note->name == "resume")
    order.verb = ControlVerb::resume;
  else if (change.note->name == "drain")
    order.verb = ControlVerb::drain;
  else
    return std::nullopt;
  const auto data = Json::parse(change.note->data, nullptr, false);
  if (data.is_object()) {
    order.kind = data.value("kind", "");
    order.device = data.value("device", "");
  }
  return order;
}

}  // namespace troupe
