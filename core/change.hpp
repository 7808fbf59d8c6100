// The entries of the one ordered log. Everything that is durable about a job
// is a Change; everything else (state, listings, queue order) derives from
// them by `JobTable::apply` and the store's indexes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/boxed.hpp"
#include "core/job.hpp"

namespace troupe {

/// Positional in records: new types go at the end.
enum class ChangeType : std::uint8_t {
  submitted = 1,  // spec; to blocked (depends on somebody) or queued.
  unblocked,      // blocked -> queued.
  started,        // start; queued -> running, attempt is the new number.
  requeued,       // requeue; running -> queued.
  ended,          // end; to a terminal state.
  noted,          // note; no change of state ("quiet", "cancel_requested").
  opened,         // A head opened the store: job is zero; epoch raised.
  control,        // note; an administrator's order: job is zero; audit record.
  forgotten,      // Retention removed the job; only its tombstone stays.
};
inline constexpr ChangeType kLastChangeType = ChangeType::forgotten;
std::string_view to_string(ChangeType type);

struct Started {
  std::string device;
  std::uint64_t memory_bytes = 0;  // Reserved for it.
  std::string decision;  // JSON object: what the scheduler decided from.
};

struct Requeued {
  Failure failure;             // Why the attempt did not finish.
  UnixMs not_before_ms = 0;    // Back-off.
  std::uint32_t failures = 0;  // Counted against max_attempts, so far.
  std::uint32_t crashes = 0;   // Lost to a node's crash in a row, so far.
};

/// Something worth keeping that moves nothing: a name from a closed list in
/// docs/storage.md and a JSON object.
struct Note {
  std::string name;
  std::string data;
  std::string by;  // Principal, for orders.
};

struct Change {
  ChangeType type = ChangeType::noted;
  JobId job;                  // Zero: the node's own.
  std::uint32_t seq = 0;      // Of the job's events: from 1, without gaps.
  std::uint32_t attempt = 0;  // 0 before the first.
  UnixMs time_ms = 0;
  // Exactly the one that `type` names; opened and unblocked carry none.
  Boxed<JobSpec> spec;
  Boxed<Started> start;
  Boxed<Requeued> requeue;
  Boxed<JobEnd> end;
  Boxed<Note> note;
  std::uint32_t version = 1;
};

/// A change with its place in the log.
struct LogEntry {
  std::uint64_t index = 0;  // The global event cursor; from 1, without gaps.
  std::uint64_t epoch = 0;
  Change change;
};

/// What the log says about one job, in one small value.
struct JobSummary {
  JobId id;
  JobState state = JobState::queued;
  std::uint32_t attempt = 0;
  std::uint32_t seq = 0;  // The last event's.
  std::uint32_t failures = 0;
  std::uint32_t crashes = 0;
  std::uint64_t spec_index = 0;     // Log index of `submitted`: queue order.
  std::uint64_t start_index = 0;    // Of the newest `started`; 0: none.
  std::uint64_t requeue_index = 0;  // Of the newest `requeued`; 0: none.
  std::uint64_t end_index = 0;      // 0: not terminal.
  UnixMs not_before_ms = 0;         // Of the back-off, if any.
};

/// The state a job is in after `change`, or nothing where it moves none.
std::optional<JobState> state_after(const Change& change);

/// The one deterministic function: `summary` as it is after `entry`.
/// An empty summary (seq 0) accepts only `submitted`.
/// Errors: corrupt (illegal move, gap in seq, other job's change); then
/// `summary` is as before.
Status apply(JobSummary& summary, const LogEntry& entry);
/// The same for a change that is about to get `index`.
Status apply(JobSummary& summary, std::uint64_t index, const Change& change);

template <class Inspector>
bool inspect(Inspector& f, ChangeType& x) {
  return inspect_enum(f, x, kLastChangeType);
}
template <class Inspector>
bool inspect(Inspector& f, Started& x) {
  return f.object(x).fields(f.field("device", x.device),
                            f.field("memory_bytes", x.memory_bytes),
                            f.field("decision", x.decision));
}
template <class Inspector>
bool inspect(Inspector& f, Requeued& x) {
  return f.object(x).fields(
      f.field("failure", x.failure), f.field("not_before_ms", x.not_before_ms),
      f.field("failures", x.failures), f.field("crashes", x.crashes));
}
template <class Inspector>
bool inspect(Inspector& f, Note& x) {
  return f.object(x).fields(f.field("name", x.name), f.field("data", x.data),
                            f.field("by", x.by));
}
template <class Inspector>
bool inspect(Inspector& f, Change& x) {
  return f.object(x).fields(
      f.field("version", x.version), f.field("type", x.type),
      f.field("job", x.job), f.field("seq", x.seq),
      f.field("attempt", x.attempt), f.field("time_ms", x.time_ms),
      f.field("spec", x.spec), f.field("start", x.start),
      f.field("requeue", x.requeue), f.field("end", x.end),
      f.field("note", x.note));
}
template <class Inspector>
bool inspect(Inspector& f, LogEntry& x) {
  return f.object(x).fields(f.field("index", x.index),
                            f.field("epoch", x.epoch),
                            f.field("change", x.change));
}
template <class Inspector>
bool inspect(Inspector& f, JobSummary& x) {
  return f.object(x).fields(
      f.field("id", x.id), f.field("state", x.state),
      f.field("attempt", x.attempt), f.field("seq", x.seq),
      f.field("failures", x.failures), f.field("crashes", x.crashes),
      f.field("spec_index", x.spec_index),
      f.field("start_index", x.start_index),
      f.field("requeue_index", x.requeue_index),
      f.field("end_index", x.end_index),
      f.field("not_before_ms", x.not_before_ms));
}

}  // namespace troupe
