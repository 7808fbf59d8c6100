// Every message and every actor interface of the system. Read this file first.
//
// Rules: one line of prose per message saying who sends it and what the reply
// means; no behaviour here. Inside a process these structs travel as they are;
// between processes only `Frame` does (positional CAF wire form cannot be
// versioned). What waits for the same receiver travels as one message.
#pragma once

#include <caf/actor.hpp>
#include <caf/error.hpp>
#include <caf/inspector_access.hpp>
#include <caf/result.hpp>
#include <caf/type_id.hpp>
#include <caf/typed_actor.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "actors/executor.hpp"
#include "core/api.hpp"

/// How CAF prints what may be absent.
template <class T>
struct caf::optional_inspector_traits<troupe::Boxed<T>> {
  using container_type = troupe::Boxed<T>;
  using value_type = T;
  template <class... Ts>
  static void emplace(container_type& container, Ts&&... xs) {
    container.emplace(std::forward<Ts>(xs)...);
  }
};
template <class T>
struct caf::inspector_access<troupe::Boxed<T>>
    : caf::optional_inspector_access<troupe::Boxed<T>> {};

namespace troupe {

// -- between processes --------------------------------------------------------

/// One message on the wire: `bytes` is a msgpack map, `type` names its struct.
/// At most kMaxFrameBytes (chunks of files: kMaxChunkBytes and a little).
struct Frame {
  std::uint16_t protocol = 1;
  std::string type;
  std::string bytes;
};

template <class Inspector>
bool inspect(Inspector& f, Frame& x) {
  return f.object(x).fields(f.field("protocol", x.protocol),
                            f.field("type", x.type), f.field("bytes", x.bytes));
}

// -- inside the head ----------------------------------------------------------

/// Changes to put on the log, in this order, as one batch.
struct AppendRequest {
  std::vector<Change> changes;
  /// Submits may be refused (disk full, read-only); anything else waits until
  /// the disk takes it again.
  bool refusable = false;
  /// False: the reply may leave before the sync (a start without outside
  /// effects); the order on the log stays.
  bool sync = true;
};

struct Appended {
  std::uint64_t first_index = 0;  // Of changes[0]; the others follow it.
};

/// What became durable, for the event hub: sent after the sync, in log order.
struct Committed {
  std::vector<LogEntry> entries;
};

struct ReserveReply {
  std::vector<std::uint8_t> granted;  // One per reservation: 1 or 0.
};

/// What a supervisor says of one child.
struct ChildStatus {
  std::string name;
  bool running = false;
  std::uint32_t restarts = 0;
  std::string last_exit;
};

template <class Inspector>
bool inspect(Inspector& f, AppendRequest& x) {
  return f.object(x).fields(f.field("changes", x.changes),
                            f.field("refusable", x.refusable),
                            f.field("sync", x.sync));
}
template <class Inspector>
bool inspect(Inspector& f, Appended& x) {
  return f.object(x).fields(f.field("first_index", x.first_index));
}
template <class Inspector>
bool inspect(Inspector& f, Committed& x) {
  return f.object(x).fields(f.field("entries", x.entries));
}
template <class Inspector>
bool inspect(Inspector& f, ReserveReply& x) {
  return f.object(x).fields(f.field("granted", x.granted));
}
template <class Inspector>
bool inspect(Inspector& f, ChildStatus& x) {
  return f.object(x).fields(
      f.field("name", x.name), f.field("running", x.running),
      f.field("restarts", x.restarts), f.field("last_exit", x.last_exit));
}

}  // namespace troupe

CAF_ERROR_CODE_ENUM(troupe::Errc)

// 3000 on: a program that uses the client library has a block of its own.
CAF_BEGIN_TYPE_ID_BLOCK(troupe, first_custom_type_id + 3000)

  CAF_ADD_TYPE_ID(troupe, (troupe::Frame))  // First: it travels.

  CAF_ADD_TYPE_ID(troupe, (troupe::Errc))
  CAF_ADD_TYPE_ID(troupe, (troupe::Error))
  CAF_ADD_TYPE_ID(troupe, (troupe::JobId))
  CAF_ADD_TYPE_ID(troupe, (troupe::Token))
  CAF_ADD_TYPE_ID(troupe, (troupe::Principal))
  CAF_ADD_TYPE_ID(troupe, (troupe::SubmitRequest))
  CAF_ADD_TYPE_ID(troupe, (troupe::SubmitReply))
  CAF_ADD_TYPE_ID(troupe, (troupe::ShowRequest))
  CAF_ADD_TYPE_ID(troupe, (troupe::ShowReply))
  CAF_ADD_TYPE_ID(troupe, (troupe::ListRequest))
  CAF_ADD_TYPE_ID(troupe, (troupe::ListReply))
  CAF_ADD_TYPE_ID(troupe, (troupe::PullRequest))
  CAF_ADD_TYPE_ID(troupe, (troupe::PullReply))
  CAF_ADD_TYPE_ID(troupe, (troupe::CancelRequest))
  CAF_ADD_TYPE_ID(troupe, (troupe::CancelReply))
  CAF_ADD_TYPE_ID(troupe, (troupe::ControlRequest))
  CAF_ADD_TYPE_ID(troupe, (troupe::ControlReply))
  CAF_ADD_TYPE_ID(troupe, (troupe::ExplainRequest))
  CAF_ADD_TYPE_ID(troupe, (troupe::ExplainReply))
  CAF_ADD_TYPE_ID(troupe, (troupe::NodeStatus))
  CAF_ADD_TYPE_ID(troupe, (troupe::DeviceInfo))
  CAF_ADD_TYPE_ID(troupe, (troupe::Reservation))
  CAF_ADD_TYPE_ID(troupe, (troupe::LedgerReport))
  CAF_ADD_TYPE_ID(troupe, (troupe::ModelDrop))
  CAF_ADD_TYPE_ID(troupe, (troupe::LiveEvent))
  CAF_ADD_TYPE_ID(troupe, (troupe::LogEntry))
  CAF_ADD_TYPE_ID(troupe, (troupe::Assignment))
  CAF_ADD_TYPE_ID(troupe, (troupe::StopOrder))
  CAF_ADD_TYPE_ID(troupe, (troupe::AttemptEnd))
  CAF_ADD_TYPE_ID(troupe, (troupe::AttemptNote))
  CAF_ADD_TYPE_ID(troupe, (troupe::AppendRequest))
  CAF_ADD_TYPE_ID(troupe, (troupe::Appended))
  CAF_ADD_TYPE_ID(troupe, (troupe::Committed))
  CAF_ADD_TYPE_ID(troupe, (troupe::ReserveReply))
  CAF_ADD_TYPE_ID(troupe, (troupe::ChildStatus))
  CAF_ADD_TYPE_ID(troupe, (troupe::UploadBegin))
  CAF_ADD_TYPE_ID(troupe, (troupe::UploadState))
  CAF_ADD_TYPE_ID(troupe, (troupe::UploadChunk))
  CAF_ADD_TYPE_ID(troupe, (troupe::DownloadChunk))
  CAF_ADD_TYPE_ID(troupe, (troupe::ChunkReply))
  CAF_ADD_TYPE_ID(troupe, (std::vector<troupe::Token>))
  CAF_ADD_TYPE_ID(troupe, (std::vector<troupe::JobId>))
  CAF_ADD_TYPE_ID(troupe, (std::vector<troupe::Reservation>))
  CAF_ADD_TYPE_ID(troupe, (std::vector<troupe::LedgerReport>))
  CAF_ADD_TYPE_ID(troupe, (std::vector<troupe::ModelDrop>))
  CAF_ADD_TYPE_ID(troupe, (std::vector<troupe::LiveEvent>))
  CAF_ADD_TYPE_ID(troupe, (std::vector<troupe::LogEntry>))
  CAF_ADD_TYPE_ID(troupe, (std::vector<troupe::Assignment>))
  CAF_ADD_TYPE_ID(troupe, (std::vector<troupe::StopOrder>))
  CAF_ADD_TYPE_ID(troupe, (std::vector<troupe::AttemptEnd>))
  CAF_ADD_TYPE_ID(troupe, (std::vector<troupe::AttemptNote>))
  CAF_ADD_TYPE_ID(troupe, (std::vector<troupe::ChildStatus>))
  CAF_ADD_TYPE_ID(troupe, (std::vector<std::uint64_t>))
  CAF_ADD_TYPE_ID(troupe, (std::vector<std::string>))

  CAF_ADD_ATOM(troupe, troupe, hello_atom)
  CAF_ADD_ATOM(troupe, troupe, submit_atom)
  CAF_ADD_ATOM(troupe, troupe, show_atom)
  CAF_ADD_ATOM(troupe, troupe, list_atom)
  CAF_ADD_ATOM(troupe, troupe, pull_atom)
  CAF_ADD_ATOM(troupe, troupe, cancel_atom)
  CAF_ADD_ATOM(troupe, troupe, control_atom)
  CAF_ADD_ATOM(troupe, troupe, explain_atom)
  CAF_ADD_ATOM(troupe, troupe, status_atom)
  CAF_ADD_ATOM(troupe, troupe, upload_atom)
  CAF_ADD_ATOM(troupe, troupe, download_atom)
  CAF_ADD_ATOM(troupe, troupe, backup_atom)
  CAF_ADD_ATOM(troupe, troupe, append_atom)
  CAF_ADD_ATOM(troupe, troupe, barrier_atom)
  CAF_ADD_ATOM(troupe, troupe, committed_atom)
  CAF_ADD_ATOM(troupe, troupe, live_atom)
  CAF_ADD_ATOM(troupe, troupe, progress_atom)
  CAF_ADD_ATOM(troupe, troupe, reserve_atom)
  CAF_ADD_ATOM(troupe, troupe, release_atom)
  CAF_ADD_ATOM(troupe, troupe, drop_atom)
  CAF_ADD_ATOM(troupe, troupe, report_atom)
  CAF_ADD_ATOM(troupe, troupe, device_atom)
  CAF_ADD_ATOM(troupe, troupe, assign_atom)
  CAF_ADD_ATOM(troupe, troupe, stop_atom)
  CAF_ADD_ATOM(troupe, troupe, ended_atom)
  CAF_ADD_ATOM(troupe, troupe, heartbeat_atom)
  CAF_ADD_ATOM(troupe, troupe, note_atom)
  CAF_ADD_ATOM(troupe, troupe, bind_atom)
  // What actors say to themselves.
  CAF_ADD_ATOM(troupe, troupe, step_atom)
  CAF_ADD_ATOM(troupe, troupe, flush_atom)
  CAF_ADD_ATOM(troupe, troupe, wake_atom)

CAF_END_TYPE_ID_BLOCK(troupe)

namespace troupe {

/// Hands out the memory of this node's devices. Owners are attempts.
using MemoryManagerActor = caf::typed_actor<
    // Scheduler asks before it assigns; each is granted or not by itself. The
    // same owner asking again for the same is granted again (a restarted
    // ledger learns this way what is in use).
    caf::result<ReserveReply>(reserve_atom, std::vector<Reservation>),
    // Scheduler gives back what ended. Unknown owners are ignored.
    caf::result<void>(release_atom, std::vector<Reservation>),
    // Scheduler: these models are gone; their parts that nobody uses are free.
    caf::result<void>(drop_atom, std::vector<ModelDrop>),
    // Scheduler: a device that came with its executor. Known ones keep what
    // is reserved.
    caf::result<void>(device_atom, DeviceInfo),
    // Console reads the ledgers.
    caf::result<std::vector<LedgerReport>>(report_atom)>;

/// The only writer of the job store. On its own thread.
using JobHistoryActor = caf::typed_actor<
    // Scheduler and console: answered after the sync. Errors only where
    // `refusable`: disk_full, read_only, io_error, unavailable.
    caf::result<Appended>(append_atom, AppendRequest),
    // A new scheduler: answered when everything sent before is on the log.
    caf::result<void>(barrier_atom)>;

/// Answers queries from the store on a thread of its own, beside the writer.
using HistoryReaderActor = caf::typed_actor<
    // Session: what is known of these jobs.
    caf::result<ShowReply>(show_atom, ShowRequest),
    // Session: a page, newest first, cut by count and bytes.
    caf::result<ListReply>(list_atom, ListRequest),
    // Event hub: durable events older than its ring.
    caf::result<PullReply>(pull_atom, PullRequest)>;

/// Followers pull here; keeps rings of what is recent, durable and live.
using EventHubActor = caf::typed_actor<
    // Job history: what became durable just now.
    caf::result<void>(committed_atom, Committed),
    // Executors: progress, log lines, later tokens; may be dropped.
    caf::result<void>(live_atom, std::vector<LiveEvent>),
    // Session: at most `max_events`; held back up to `wait_ms` when empty.
    caf::result<PullReply>(pull_atom, PullRequest),
    // History reader: fills phase and progress of running jobs in.
    caf::result<ShowReply>(progress_atom, ShowReply)>;

/// Runs attempts; one handle may stand for many devices of one kind of work.
using ExecutorActor = caf::typed_actor<
    // Scheduler: start these. Refusals come as AttemptEnd too.
    caf::result<void>(assign_atom, std::vector<Assignment>),
    // Scheduler: end these. Unknown tokens are ignored.
    caf::result<void>(stop_atom, std::vector<StopOrder>),
    // Scheduler: give these models back as soon as nobody here uses them. Each
    // is answered by drop_atom, also where it is not there. Executors say the
    // same of their own accord when a model is gone.
    caf::result<void>(drop_atom, std::vector<ModelDrop>)>;

/// Orders jobs, chooses devices, tracks attempts and leases.
using SchedulerActor = caf::typed_actor<
    // Session: all checked at once; answered when durable.
    caf::result<SubmitReply>(submit_atom, SubmitRequest),
    // Session, console: answered when durable; idempotent.
    caf::result<CancelReply>(cancel_atom, CancelRequest),
    // Console: pause, resume, drain. Answered when durable.
    caf::result<ControlReply>(control_atom, ControlRequest),
    // Session: why a job waits, or runs where it does.
    caf::result<ExplainReply>(explain_atom, ExplainRequest),
    // Console: the queue's numbers.
    caf::result<ControlReply>(status_atom),
    // Whoever starts an executor: it serves this device from now until its
    // actor (an ExecutorActor) ends. The same again replaces.
    caf::result<void>(device_atom, DeviceInfo, caf::actor),
    // Executors: attempts that ended, in one message.
    caf::result<void>(ended_atom, std::vector<AttemptEnd>),
    // Executors: these models are not there (any more).
    caf::result<void>(drop_atom, std::vector<ModelDrop>),
    // Executors: these attempts are alive.
    caf::result<void>(heartbeat_atom, std::vector<Token>),
    // Executors: to be kept in these attempts' jobs; stale ones are ignored.
    caf::result<void>(note_atom, std::vector<AttemptNote>)>;

/// Bytes of artifacts in and out, in chunks. On its own thread.
using ArtifactsActor = caf::typed_actor<
    // Session: begins or resumes; the reply says from where.
    caf::result<UploadState>(upload_atom, UploadBegin),
    // Session: bytes at the upload's offset. Errors: stale (wrong offset),
    // corrupt (the whole does not have the hash it promised), disk_full.
    caf::result<UploadState>(upload_atom, UploadChunk),
    // Session: bytes of a stored artifact.
    caf::result<ChunkReply>(download_atom, DownloadChunk)>;

/// What an administrator asks and orders; every order leaves an audit record.
using ConsoleActor =
    caf::typed_actor<caf::result<ControlReply>(control_atom, ControlRequest),
                     caf::result<NodeStatus>(status_atom),
                     // Folder on the node's machine, principal.
                     caf::result<void>(backup_atom, std::string, std::string)>;

/// All a session talks to. After a restart of one of them the supervisor
/// sends the new set to whoever holds the old (bind_atom).
struct NodeHandles {
  SchedulerActor scheduler;
  HistoryReaderActor reader;
  EventHubActor hub;
  ArtifactsActor artifacts;
  ConsoleActor console;
};

/// A client's seat at the border: carries principal, tenant, role, window.
using SessionActor = caf::typed_actor<
    // Client: one request, one answer; errors travel as type "error".
    caf::result<Frame>(Frame)>;

/// The only published actor.
using GateActor = caf::typed_actor<
    // Client: hello {protocol range, build}. The client's session answers:
    // it is the sender of the reply, no handle travels inside.
    caf::result<Frame>(Frame)>;

}  // namespace troupe
