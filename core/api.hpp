// What clients ask of a head and what they hear back. The same structs travel
// as msgpack in frames (names in cluster/frames.hpp) and, inside the node, as
// messages between session, scheduler, history and hub.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/change.hpp"
#include "core/device.hpp"
#include "core/job.hpp"
#include "core/live.hpp"

namespace troupe {

/// Who is on the other side of a session; from the certificate alone.
enum class Role : std::uint8_t { viewer = 1, user, admin, node };
std::string_view to_string(Role role);

struct Principal {
  std::string name;
  std::string tenant;
  Role role = Role::viewer;
};

// -- submit -------------------------------------------------------------------

struct SubmitRequest {
  std::vector<JobSpec> jobs;
};

/// One answer per job, in order.
struct SubmitAnswer {
  JobId id;
  JobState state = JobState::queued;
  bool existed = false;        // The same job was here before.
  std::optional<Error> error;  // Set: not accepted.
};
struct SubmitReply {
  std::vector<SubmitAnswer> answers;
};

// -- queries ------------------------------------------------------------------

struct ShowRequest {
  std::vector<JobId> jobs;
};

/// A job as people and scripts see it.
struct JobView {
  JobSpec spec;
  JobState state = JobState::queued;
  Phase phase = Phase::none;
  std::uint32_t attempt = 0;
  std::uint32_t seq = 0;
  std::optional<Progress> progress;
  std::optional<Failure> failure;  // Of the end, or of the newest retry.
  std::string result;              // JSON; empty: none.
  std::vector<ArtifactRef> artifacts;
  std::string device;  // Of the newest attempt.
  std::optional<UnixMs> started_ms;
  std::optional<UnixMs> ended_ms;
  UnixMs not_before_ms = 0;  // Of the back-off; 0: none.
};
struct ShowAnswer {
  JobId id;
  std::optional<JobView> job;
  std::optional<Error> error;  // not_found, forgotten, denied.
};
struct ShowReply {
  std::vector<ShowAnswer> answers;
};

/// All that are set must match. Newest first.
struct ListRequest {
  std::vector<JobState> states;
  std::string kind;
  std::string model;
  std::string tag;
  std::string tenant;  // Stamped by the session for other roles than admin.
  std::optional<JobId> parent;
  std::optional<UnixMs> since_ms;  // submitted_ms in [since, until).
  std::optional<UnixMs> until_ms;
  std::uint64_t before_index = 0;  // Cursor: spec_index; 0: from the newest.
  std::uint32_t max_jobs = 50;
  bool brief = false;  // Without params, result and log lines.
};
struct ListReply {
  std::vector<JobView> jobs;
  std::uint64_t next_before_index = 0;  // 0: this was the last page.
};

// -- events: pulled, with credit ----------------------------------------------

struct PullRequest {
  std::optional<JobId> job;        // Absent: all the principal may see.
  std::string tenant;              // Stamped by the session.
  std::uint64_t after_index = 0;   // Log cursor; without `job`.
  std::uint32_t after_seq = 0;     // The job's own; with `job`.
  std::uint32_t live_attempt = 0;  // Newest live event the follower has ...
  std::uint64_t live_n = 0;        // ... (attempt, n).
  bool live = false;               // Wants live events too.
  bool from_now = false;           // Ignores after_index: starts at the end.
  bool ends_only = false;          // Only `ended` entries (completions).
  std::uint32_t max_events = 256;  // The credit.
  std::uint32_t max_bytes = 48 * 1024;
  std::int64_t wait_ms = 0;  // Held back this long while there is none.
};

struct PullReply {
  std::vector<LogEntry> entries;
  std::vector<LiveEvent> live;
  std::uint64_t next_index = 0;  // The cursor to continue from.
  std::uint64_t live_lost = 0;   // Live events this follower missed.
};

// -- orders -------------------------------------------------------------------

struct CancelRequest {
  std::vector<JobId> jobs;
  std::string by;      // Stamped by the session.
  std::string tenant;  // Likewise; empty: any (admin).
};
struct CancelAnswer {
  JobId id;
  JobState state = JobState::cancelled;  // As it is now.
  bool stopping = false;                 // Running: ends within one step.
  std::optional<Error> error;
};
struct CancelReply {
  std::vector<CancelAnswer> answers;
};

enum class ControlVerb : std::uint8_t { pause = 1, resume, drain };
std::string_view to_string(ControlVerb verb);

/// Pause, resume or drain the whole queue, one kind or one device.
struct ControlRequest {
  ControlVerb verb = ControlVerb::pause;
  std::string kind;
  std::string device;
  std::string by;
};
/// A job holds one; jobs whose model computes several at once share theirs.
struct DeviceSlots {
  std::string device;
  std::uint32_t used = 0;
  std::uint32_t total = 0;
};
struct ControlReply {
  bool paused = false;
  std::vector<std::string> paused_kinds;
  std::vector<std::string> paused_devices;  // Drained ones too.
  std::vector<std::string> down_devices;    // Known, with nobody behind them.
  bool draining = false;                    // Takes no jobs of any kind.
  std::vector<std::string> draining_kinds;
  std::string accepting;  // "yes", or why submits are refused.
  std::uint64_t running = 0;
  std::uint64_t queued = 0;
  std::uint64_t blocked = 0;
  std::vector<DeviceSlots> slots{};  // Of those that are up.
};

struct ExplainRequest {
  JobId job;
  std::string tenant;
};
/// Sentences for people; `data` is the machine's form (a JSON object).
struct ExplainReply {
  JobId job;
  JobState state = JobState::queued;
  std::vector<std::string> sentences;
  std::uint64_t ahead = 0;                  // Jobs that would start before it.
  std::optional<UnixMs> expected_start_ms;  // Nothing: nobody can say.
  std::optional<UnixMs> expected_end_ms;
  std::string data;
};

struct NodeStatus {
  std::string node;
  std::string version;
  std::string store_id;
  std::uint64_t epoch = 0;
  std::uint64_t last_index = 0;     // Of the log.
  std::uint64_t indexed_index = 0;  // The indexes' watermark.
  std::string accepting;            // "yes", or why submits are refused.
  ControlReply queue;
  std::vector<DeviceInfo> devices;
  std::vector<LedgerReport> ledgers;
};

// -- files --------------------------------------------------------------------

struct UploadBegin {
  std::string sha256;  // Of the whole; the upload's name for resuming.
  std::uint64_t bytes = 0;
  std::string media_type;
};
struct UploadState {
  std::uint64_t offset = 0;  // Bytes that are here; continue from there.
  bool complete = false;
};
struct UploadChunk {
  std::string sha256;
  std::uint64_t offset = 0;
  std::string bytes;  // At most kMaxChunkBytes.
};
struct DownloadChunk {
  std::string sha256;
  std::uint64_t offset = 0;
  std::uint32_t max_bytes = 0;
};
struct ChunkReply {
  std::string bytes;
  std::uint64_t total_bytes = 0;
};
inline constexpr std::uint32_t kMaxChunkBytes = 256 * 1024;
inline constexpr std::uint32_t kMaxFrameBytes = 64 * 1024;

// -- inspect ------------------------------------------------------------------

template <class Inspector>
bool inspect(Inspector& f, Role& x) {
  return inspect_enum(f, x, Role::node);
}
template <class Inspector>
bool inspect(Inspector& f, Principal& x) {
  return f.object(x).fields(f.field("name", x.name),
                            f.field("tenant", x.tenant),
                            f.field("role", x.role));
}
template <class Inspector>
bool inspect(Inspector& f, SubmitRequest& x) {
  return f.object(x).fields(f.field("jobs", x.jobs));
}
template <class Inspector>
bool inspect(Inspector& f, SubmitAnswer& x) {
  return f.object(x).fields(f.field("id", x.id), f.field("state", x.state),
                            f.field("existed", x.existed),
                            f.field("error", x.error));
}
template <class Inspector>
bool inspect(Inspector& f, SubmitReply& x) {
  return f.object(x).fields(f.field("answers", x.answers));
}
template <class Inspector>
bool inspect(Inspector& f, ShowRequest& x) {
  return f.object(x).fields(f.field("jobs", x.jobs));
}
template <class Inspector>
bool inspect(Inspector& f, JobView& x) {
  return f.object(x).fields(
      f.field("spec", x.spec), f.field("state", x.state),
      f.field("phase", x.phase), f.field("attempt", x.attempt),
      f.field("seq", x.seq), f.field("progress", x.progress),
      f.field("failure", x.failure), f.field("result", x.result),
      f.field("artifacts", x.artifacts), f.field("device", x.device),
      f.field("started_ms", x.started_ms), f.field("ended_ms", x.ended_ms),
      f.field("not_before_ms", x.not_before_ms));
}
template <class Inspector>
bool inspect(Inspector& f, ShowAnswer& x) {
  return f.object(x).fields(f.field("id", x.id), f.field("job", x.job),
                            f.field("error", x.error));
}
template <class Inspector>
bool inspect(Inspector& f, ShowReply& x) {
  return f.object(x).fields(f.field("answers", x.answers));
}
template <class Inspector>
bool inspect(Inspector& f, ListRequest& x) {
  return f.object(x).fields(
      f.field("states", x.states), f.field("kind", x.kind),
      f.field("model", x.model), f.field("tag", x.tag),
      f.field("tenant", x.tenant), f.field("parent", x.parent),
      f.field("since_ms", x.since_ms), f.field("until_ms", x.until_ms),
      f.field("before_index", x.before_index), f.field("max_jobs", x.max_jobs),
      f.field("brief", x.brief));
}
template <class Inspector>
bool inspect(Inspector& f, ListReply& x) {
  return f.object(x).fields(f.field("jobs", x.jobs),
                            f.field("next_before_index", x.next_before_index));
}
template <class Inspector>
bool inspect(Inspector& f, PullRequest& x) {
  return f.object(x).fields(
      f.field("job", x.job), f.field("tenant", x.tenant),
      f.field("after_index", x.after_index), f.field("after_seq", x.after_seq),
      f.field("live_attempt", x.live_attempt), f.field("live_n", x.live_n),
      f.field("live", x.live), f.field("from_now", x.from_now),
      f.field("ends_only", x.ends_only), f.field("max_events", x.max_events),
      f.field("max_bytes", x.max_bytes), f.field("wait_ms", x.wait_ms));
}
template <class Inspector>
bool inspect(Inspector& f, PullReply& x) {
  return f.object(x).fields(
      f.field("entries", x.entries), f.field("live", x.live),
      f.field("next_index", x.next_index), f.field("live_lost", x.live_lost));
}
template <class Inspector>
bool inspect(Inspector& f, CancelRequest& x) {
  return f.object(x).fields(f.field("jobs", x.jobs), f.field("by", x.by),
                            f.field("tenant", x.tenant));
}
template <class Inspector>
bool inspect(Inspector& f, CancelAnswer& x) {
  return f.object(x).fields(f.field("id", x.id), f.field("state", x.state),
                            f.field("stopping", x.stopping),
                            f.field("error", x.error));
}
template <class Inspector>
bool inspect(Inspector& f, CancelReply& x) {
  return f.object(x).fields(f.field("answers", x.answers));
}
template <class Inspector>
bool inspect(Inspector& f, ControlVerb& x) {
  return inspect_enum(f, x, ControlVerb::drain);
}
template <class Inspector>
bool inspect(Inspector& f, ControlRequest& x) {
  return f.object(x).fields(f.field("verb", x.verb), f.field("kind", x.kind),
                            f.field("device", x.device), f.field("by", x.by));
}
template <class Inspector>
bool inspect(Inspector& f, DeviceSlots& x) {
  return f.object(x).fields(f.field("device", x.device),
                            f.field("used", x.used), f.field("total", x.total));
}
template <class Inspector>
bool inspect(Inspector& f, ControlReply& x) {
  return f.object(x).fields(
      f.field("paused", x.paused), f.field("paused_kinds", x.paused_kinds),
      f.field("paused_devices", x.paused_devices),
      f.field("down_devices", x.down_devices), f.field("draining", x.draining),
      f.field("draining_kinds", x.draining_kinds),
      f.field("accepting", x.accepting), f.field("running", x.running),
      f.field("queued", x.queued), f.field("blocked", x.blocked),
      f.field("slots", x.slots));
}
template <class Inspector>
bool inspect(Inspector& f, ExplainRequest& x) {
  return f.object(x).fields(f.field("job", x.job), f.field("tenant", x.tenant));
}
template <class Inspector>
bool inspect(Inspector& f, ExplainReply& x) {
  return f.object(x).fields(
      f.field("job", x.job), f.field("state", x.state),
      f.field("sentences", x.sentences), f.field("ahead", x.ahead),
      f.field("expected_start_ms", x.expected_start_ms),
      f.field("expected_end_ms", x.expected_end_ms), f.field("data", x.data));
}
template <class Inspector>
bool inspect(Inspector& f, NodeStatus& x) {
  return f.object(x).fields(
      f.field("node", x.node), f.field("version", x.version),
      f.field("store_id", x.store_id), f.field("epoch", x.epoch),
      f.field("last_index", x.last_index),
      f.field("indexed_index", x.indexed_index),
      f.field("accepting", x.accepting), f.field("queue", x.queue),
      f.field("devices", x.devices), f.field("ledgers", x.ledgers));
}
template <class Inspector>
bool inspect(Inspector& f, UploadBegin& x) {
  return f.object(x).fields(f.field("sha256", x.sha256),
                            f.field("bytes", x.bytes),
                            f.field("media_type", x.media_type));
}
template <class Inspector>
bool inspect(Inspector& f, UploadState& x) {
  return f.object(x).fields(f.field("offset", x.offset),
                            f.field("complete", x.complete));
}
template <class Inspector>
bool inspect(Inspector& f, UploadChunk& x) {
  return f.object(x).fields(f.field("sha256", x.sha256),
                            f.field("offset", x.offset),
                            f.field("bytes", x.bytes));
}
template <class Inspector>
bool inspect(Inspector& f, DownloadChunk& x) {
  return f.object(x).fields(f.field("sha256", x.sha256),
                            f.field("offset", x.offset),
                            f.field("max_bytes", x.max_bytes));
}
template <class Inspector>
bool inspect(Inspector& f, ChunkReply& x) {
  return f.object(x).fields(f.field("bytes", x.bytes),
                            f.field("total_bytes", x.total_bytes));
}

}  // namespace troupe
