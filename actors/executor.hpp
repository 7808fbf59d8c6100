// What an executor is: whoever runs attempts. Inference actors and connectors
// speak this protocol; the scheduler neither knows nor cares which it talks
// to. CAF-free vocabulary here, the typed actor in protocol.hpp.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/change.hpp"
#include "core/device.hpp"
#include "core/job.hpp"
#include "core/live.hpp"
#include "core/result.hpp"

namespace troupe {

/// An input the attempt finds as a file: dependencies are resolved by now.
struct ResolvedInput {
  std::string name;
  std::string sha256;
};

/// One attempt to run. `spec.params` has its bindings filled in.
struct Assignment {
  Token token;
  JobSpec spec;
  std::vector<ResolvedInput> inputs;
  std::string device;
  std::uint64_t memory_bytes = 0;  // Reserved in the ledger for this token.
  std::string resident;  // The ModelPart::model that these bytes are of.
};

enum class StopReason : std::uint8_t {
  cancelled = 1,
  timeout,   // The attempt's own limit.
  expired,   // The job's deadline.
  fenced,    // The token is no longer current: end it, report nothing.
  shutdown,  // The node stops: end it, report class transient.
};
inline std::string_view to_string(StopReason reason) {
  switch (reason) {
    case StopReason::cancelled:
      return "cancelled";
    case StopReason::timeout:
      return "timeout";
    case StopReason::expired:
      return "expired";
    case StopReason::fenced:
      return "fenced";
    case StopReason::shutdown:
      return "shutdown";
  }
  return "unknown";
}

struct StopOrder {
  Token token;
  StopReason reason = StopReason::cancelled;
};

/// The last an executor says of an attempt. Every assignment gets exactly one,
/// unless it was fenced.
/// - succeeded with result and artifacts, or failed with a failure;
/// - after a StopOrder: cancelled (StopReason cancelled), failed with class
///   timeout, or expired; a job that finished meanwhile may say so instead.
struct AttemptEnd {
  Token token;
  JobEnd end;
};

/// The end of an attempt that failed for that error.
inline AttemptEnd failed_attempt(const Token& token, FailureClass klass,
                                 const Error& why) {
  JobEnd end{.state = JobState::failed};
  end.failure =
      Failure{klass, std::string(to_string(why.code)), why.message, {}};
  return {token, std::move(end)};
}

/// Something of a running attempt that its job's history keeps and that moves
/// nothing: a name of the list in docs/storage.md. Rare: each is a record.
struct AttemptNote {
  Token token;
  Note note;
};

/// The attempt's engine has no room for it beside other runs; later, that it
/// has. Its time limit does not count the time between them.
inline constexpr std::string_view kEngineFullNote = "engine_full";
inline constexpr std::string_view kEngineRoomNote = "engine_room";

/// Where an executor's files come from and go to. Thread-safe; calls may
/// block on the disk or, on a remote node, on the network: call them from the
/// executor's own thread only.
class ArtifactAccess {
 public:
  virtual ~ArtifactAccess() = default;

  /// Keeps a copy of `file` under its hash; durable when it returns.
  /// Errors: not_found, disk_full, read_only, io_error.
  virtual Result<ArtifactRef> save(const std::filesystem::path& file,
                                   const std::string& name,
                                   const std::string& media_type) = 0;

  /// Gives up what the disk holds back for running jobs, where there is such:
  /// one of them has met a full disk.
  virtual void make_room() {}

  /// Puts the artifact's bytes at `to` (which must not exist); never a link
  /// through which the job could change the stored file.
  /// Errors: not_found, corrupt, disk_full, io_error.
  virtual Status fetch(const std::string& sha256,
                       const std::filesystem::path& to) = 0;
};

/// What `write()` gives; where that is a full disk, what it gives once there is
/// room.
template <class Write>
Status write_with_room(ArtifactAccess& files, Write write) {
  auto written = write();
  if (written || written.error().code != Errc::disk_full) return written;
  files.make_room();
  return write();
}

template <class Inspector>
bool inspect(Inspector& f, ResolvedInput& x) {
  return f.object(x).fields(f.field("name", x.name),
                            f.field("sha256", x.sha256));
}
template <class Inspector>
bool inspect(Inspector& f, Assignment& x) {
  return f.object(x).fields(
      f.field("token", x.token), f.field("spec", x.spec),
      f.field("inputs", x.inputs), f.field("device", x.device),
      f.field("memory_bytes", x.memory_bytes), f.field("resident", x.resident));
}
template <class Inspector>
bool inspect(Inspector& f, StopReason& x) {
  return inspect_enum(f, x, StopReason::shutdown);
}
template <class Inspector>
bool inspect(Inspector& f, StopOrder& x) {
  return f.object(x).fields(f.field("token", x.token),
                            f.field("reason", x.reason));
}
template <class Inspector>
bool inspect(Inspector& f, AttemptEnd& x) {
  return f.object(x).fields(f.field("token", x.token), f.field("end", x.end));
}
template <class Inspector>
bool inspect(Inspector& f, AttemptNote& x) {
  return f.object(x).fields(f.field("token", x.token), f.field("note", x.note));
}

}  // namespace troupe
