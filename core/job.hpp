// The vocabulary every other folder shares: what a job is, how it may move and
// how it may end.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/id.hpp"
#include "core/inspect.hpp"
#include "core/result.hpp"

namespace troupe {

/// The same words wherever a job is asked for that is not there, or that is
/// another tenant's: who asks learns nothing of the others.
Error unknown_job(JobId id);

// -- states -------------------------------------------------------------------

enum class JobState : std::uint8_t {
  blocked = 1,  // Waits for the jobs it depends on.
  queued,
  running,
  succeeded,
  failed,
  cancelled,
  expired,  // Its deadline passed before it ran to the end.
};
inline constexpr JobState kLastJobState = JobState::expired;
std::string_view to_string(JobState state);

constexpr bool is_terminal(JobState state) {
  return state >= JobState::succeeded;
}

/// True iff a job may go from `from` to `to` in one step.
constexpr bool can_move(JobState from, JobState to) {
  switch (from) {
    case JobState::blocked:
      return to == JobState::queued || to == JobState::failed ||
             to == JobState::cancelled || to == JobState::expired;
    case JobState::queued:
      return to == JobState::running || to == JobState::failed ||
             to == JobState::cancelled || to == JobState::expired;
    case JobState::running:  // Back to queued when an attempt is retried.
      return to != JobState::running && to != JobState::blocked;
    default:
      return false;  // Terminal states stay terminal.
  }
}

/// What a running attempt is doing.
enum class Phase : std::uint8_t { none = 1, loading, executing, saving };
std::string_view to_string(Phase phase);

/// Classes of equal standing share by tenant; a higher class goes first, but
/// ageing lifts whoever waits (see actors/schedule).
enum class Priority : std::uint8_t { low = 1, normal, high };
std::string_view to_string(Priority priority);

// -- failures -----------------------------------------------------------------

/// Decides what happens next, so it is a closed list; `Failure::reason` says
/// more precisely what happened.
enum class FailureClass : std::uint8_t {
  invalid = 1,  // Never retried.
  transient,    // Worker or peer lost: retried with back-off.
  resource,     // Did not fit: retried elsewhere or later.
  model,        // Bad file, NaN: not retried.
  command,      // The job's own program failed; retried if the job asks.
  timeout,      // The attempt outran its own limit; retried if the job asks.
  suspect,      // Ran while the node crashed, three times in a row.
  dependency,   // A job it depends on did not succeed.
};
std::string_view to_string(FailureClass klass);

struct Failure {
  FailureClass klass = FailureClass::invalid;
  std::string reason;   // snake_case: "exit_status", "not_executable", ...
  std::string message;  // For people: what happened, why, what to do.
  std::vector<std::string> last_lines;  // Of the attempt's log, oldest first.
};

// -- files --------------------------------------------------------------------

/// An output file, content-addressed.
struct ArtifactRef {
  std::string name;    // As the job named it; no folders above it.
  std::string sha256;  // 64 lower-case hex digits.
  std::uint64_t bytes = 0;
  std::string media_type;
};

/// A file the job finds under `name`: an artifact, or an output of a job it
/// depends on (`job` set: then `output` is that artifact's name).
struct InputRef {
  std::string name;
  std::string sha256;
  std::optional<JobId> job;
  std::string output;
};

/// A parameter taken from the result of an earlier job when this one starts.
struct Binding {
  std::string path;     // JSON pointer into params: "/prompt".
  JobId job;            // Becomes a dependency.
  std::string pointer;  // JSON pointer into that job's result: "/text".
};

// -- the specification: stored once, never changed ----------------------------

struct RetryPolicy {
  std::uint32_t max_attempts = 3;   // Lost to a node's crash are not counted.
  std::int64_t backoff_ms = 1'000;  // Doubles per try, with jitter.
  std::int64_t max_backoff_ms = 60'000;
  bool on_command_failure = false;  // Also for classes command and timeout.
};

/// What an attempt lost with its node means for a kind with outside effects.
enum class OnLost : std::uint8_t { retry = 1, fail };
std::string_view to_string(OnLost on_lost);

struct JobSpec {
  JobId id;
  std::string kind;    // "text.generate", "process.run", ...
  std::string model;   // Empty where the kind needs none.
  std::string params;  // JSON object, normalised; only the kind reads it.
  Priority priority = Priority::normal;
  std::string tenant;        // From the session, never from the client.
  std::string submitted_by;  // Likewise.
  UnixMs submitted_ms = 0;   // Stamped by the head.
  std::vector<std::string> tags;
  std::optional<JobId> parent;  // For grouping only; no dependency.
  std::vector<JobId> depends_on;
  std::vector<InputRef> inputs;
  std::vector<Binding> bindings;
  std::optional<UnixMs> not_before_ms;
  std::optional<UnixMs> deadline_ms;
  std::optional<std::int64_t> timeout_ms;  // Of one attempt.
  RetryPolicy retry;
  OnLost on_lost = OnLost::retry;
  std::uint64_t memory_bytes = 0;  // Reserved before the start.
  std::string device;              // Empty: any that can.
  std::uint32_t version = 1;       // Of this record.
};

/// Same id and same content is the same job. Compares what the client chose,
/// not what the head stamped.
bool same_request(const JobSpec& a, const JobSpec& b);

// -- attempts -----------------------------------------------------------------

/// The fencing token: results are accepted only under the current one.
struct Token {
  std::uint64_t epoch = 0;
  JobId job;
  std::uint32_t attempt = 0;
  friend auto operator<=>(const Token&, const Token&) = default;
};

/// How an attempt (and, when terminal, the job) ended.
struct JobEnd {
  JobState state = JobState::succeeded;
  std::optional<Failure> failure;
  std::string result;  // JSON object; empty: none.
  std::vector<ArtifactRef> artifacts;
};

// -- inspect ------------------------------------------------------------------

template <class Inspector>
bool inspect(Inspector& f, JobState& x) {
  return inspect_enum(f, x, kLastJobState);
}
template <class Inspector>
bool inspect(Inspector& f, Phase& x) {
  return inspect_enum(f, x, Phase::saving);
}
template <class Inspector>
bool inspect(Inspector& f, Priority& x) {
  return inspect_enum(f, x, Priority::high);
}
template <class Inspector>
bool inspect(Inspector& f, FailureClass& x) {
  return inspect_enum(f, x, FailureClass::dependency);
}
template <class Inspector>
bool inspect(Inspector& f, OnLost& x) {
  return inspect_enum(f, x, OnLost::fail);
}
template <class Inspector>
bool inspect(Inspector& f, Failure& x) {
  return f.object(x).fields(
      f.field("class", x.klass), f.field("reason", x.reason),
      f.field("message", x.message), f.field("last_lines", x.last_lines));
}
template <class Inspector>
bool inspect(Inspector& f, ArtifactRef& x) {
  return f.object(x).fields(
      f.field("name", x.name), f.field("sha256", x.sha256),
      f.field("bytes", x.bytes), f.field("media_type", x.media_type));
}
template <class Inspector>
bool inspect(Inspector& f, InputRef& x) {
  return f.object(x).fields(f.field("name", x.name),
                            f.field("sha256", x.sha256), f.field("job", x.job),
                            f.field("output", x.output));
}
template <class Inspector>
bool inspect(Inspector& f, Binding& x) {
  return f.object(x).fields(f.field("path", x.path), f.field("job", x.job),
                            f.field("pointer", x.pointer));
}
template <class Inspector>
bool inspect(Inspector& f, RetryPolicy& x) {
  return f.object(x).fields(
      f.field("max_attempts", x.max_attempts),
      f.field("backoff_ms", x.backoff_ms),
      f.field("max_backoff_ms", x.max_backoff_ms),
      f.field("on_command_failure", x.on_command_failure));
}
template <class Inspector>
bool inspect(Inspector& f, JobSpec& x) {
  return f.object(x).fields(
      f.field("version", x.version), f.field("id", x.id),
      f.field("kind", x.kind), f.field("model", x.model),
      f.field("params", x.params), f.field("priority", x.priority),
      f.field("tenant", x.tenant), f.field("submitted_by", x.submitted_by),
      f.field("submitted_ms", x.submitted_ms), f.field("tags", x.tags),
      f.field("parent", x.parent), f.field("depends_on", x.depends_on),
      f.field("inputs", x.inputs), f.field("bindings", x.bindings),
      f.field("not_before_ms", x.not_before_ms),
      f.field("deadline_ms", x.deadline_ms),
      f.field("timeout_ms", x.timeout_ms), f.field("retry", x.retry),
      f.field("on_lost", x.on_lost), f.field("memory_bytes", x.memory_bytes),
      f.field("device", x.device));
}
template <class Inspector>
bool inspect(Inspector& f, Token& x) {
  return f.object(x).fields(f.field("epoch", x.epoch), f.field("job", x.job),
                            f.field("attempt", x.attempt));
}
template <class Inspector>
bool inspect(Inspector& f, JobEnd& x) {
  return f.object(x).fields(
      f.field("state", x.state), f.field("failure", x.failure),
      f.field("result", x.result), f.field("artifacts", x.artifacts));
}

}  // namespace troupe
