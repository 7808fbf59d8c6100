// The client library: submit jobs to a head, follow them, fetch their files.
// Reconnects by itself. Free of CAF; refuses to wait for ever: every call has
// a finite timeout.
//
//   auto client = client::Client::connect({.data = "/home/me/.local/..."});
//   if (!client) return report(client.error());
//   auto answer = (*client)->submit(spec);
//   auto job = (*client)->wait(answer->id, 60'000);
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "client/files.hpp"
#include "client/follow.hpp"
#include "client/options.hpp"
#include "core/api.hpp"
#include "core/job.hpp"
#include "core/result.hpp"

namespace troupe::client {

/// Called once, on the client's own thread. Must not block nor call what
/// blocks; submit_async() is fine.
using SubmitCallback = std::function<void(Result<SubmitAnswer>)>;

/// One connection to one head. All methods are safe to call from every thread
/// but, where they block, not from inside a callback (invalid_argument).
///
/// Errors of every call: unavailable (no head answers, or it asks to come
/// back after retry_after_ms), timeout (outcome unknown), denied (role, or
/// certificate: of every call once the head has refused it), unsupported (the
/// head speaks another version). While the head is
/// away calls wait for it as long as their timeout allows.
/// `timeout_ms` 0 means Options::timeout_ms.
class Client {
 public:
  /// Connects and says hello. Errors: unavailable (no node runs on that data
  /// folder, or none answers; the message says how to start one), denied (no
  /// certificate, or the head refuses it), corrupt (one that was in the data
  /// folder is lost), unsupported (no common version of the protocol), timeout.
  static Result<std::unique_ptr<Client>> connect(Options options);

  /// Answers what is still open with `cancelled`, then closes.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// A fresh id: the idempotency key of a job. submit() makes one where the
  /// specification has none.
  JobId new_id();

  // -- submit -----------------------------------------------------------------

  /// Answered when the job is durable. Sends again by itself after a
  /// reconnect: the id makes that safe. Errors beyond those above:
  /// invalid_argument (all faults, each with its path), already_exists,
  /// too_large, disk_full, read_only.
  Result<SubmitAnswer> submit(JobSpec spec, std::int64_t timeout_ms = 0);

  /// One answer per job, in order; each has its own error.
  Result<std::vector<SubmitAnswer>> submit_many(std::vector<JobSpec> specs,
                                                std::int64_t timeout_ms = 0);

  /// What waits goes out as one message, cut at kMaxFrameBytes. After an
  /// error (unavailable: the queue is full; too_large) `done` is not called.
  Result<JobId> submit_async(JobSpec spec, SubmitCallback done);

  // -- wait and follow --------------------------------------------------------

  /// The job when it is terminal. Errors: timeout (it is not yet), not_found,
  /// forgotten.
  Result<JobView> wait(JobId job, std::int64_t timeout_ms);

  /// All of them when all are terminal, in the order of `jobs`; an answer
  /// with an error is one that nobody knows. Errors: timeout.
  Result<std::vector<ShowAnswer>> wait_many(std::vector<JobId> jobs,
                                            std::int64_t timeout_ms);

  /// See follow.hpp.
  Result<std::unique_ptr<Follower>> follow(FollowOptions options);
  Result<std::unique_ptr<Subscription>> subscribe(FollowOptions options,
                                                  FollowCallback callback);

  // -- ask and order ----------------------------------------------------------

  Result<JobView> show(JobId job, std::int64_t timeout_ms = 0);
  Result<std::vector<ShowAnswer>> show_many(std::vector<JobId> jobs,
                                            std::int64_t timeout_ms = 0);
  /// One page, newest first; pass next_before_index on for the next.
  Result<ListReply> list(ListRequest request, std::int64_t timeout_ms = 0);
  /// Idempotent. A running job stops within one step: wait() for its end.
  Result<CancelAnswer> cancel(JobId job, std::int64_t timeout_ms = 0);
  Result<std::vector<CancelAnswer>> cancel_many(std::vector<JobId> jobs,
                                                std::int64_t timeout_ms = 0);
  Result<ExplainReply> explain(JobId job, std::int64_t timeout_ms = 0);
  Result<NodeStatus> status(std::int64_t timeout_ms = 0);
  /// There and back to the head's session, no further: does it answer?
  /// `gives_up` is asked every tenth of a second: true ends the waiting, as if
  /// the time were over.
  Status ping(std::int64_t timeout_ms = 0,
              const std::function<bool()>& gives_up = {});
  Result<ControlReply> control(ControlRequest request,
                               std::int64_t timeout_ms = 0);
  /// A live copy of the head's store into a folder of the head's machine.
  /// Not repeated by itself after a lost connection.
  Status backup(const std::string& folder, std::int64_t timeout_ms = 600'000);

  // -- files ------------------------------------------------------------------

  /// Brings a file to the head, from where an earlier attempt was cut. The
  /// reference goes into JobSpec::inputs. Errors: not_found (the file),
  /// corrupt (it changed while it was read), disk_full, too_large.
  Result<ArtifactRef> upload(const std::filesystem::path& file,
                             const UploadOptions& options = {});
  /// The same with bytes at hand. `options.name` must be given.
  Result<ArtifactRef> upload_bytes(std::string_view bytes,
                                   const UploadOptions& options);
  /// Errors: not_found, forgotten.
  Result<std::unique_ptr<ArtifactReader>> open(const std::string& sha256,
                                               std::int64_t timeout_ms = 0);

  Stats stats() const;

 private:
  struct State;
  explicit Client(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace troupe::client
