// Following what happens to jobs: which events, from where, and the two ways
// to receive them. Made by client::Client; survives reconnects without loss or
// duplicates of durable events.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "core/api.hpp"
#include "core/result.hpp"

namespace troupe::client {

struct FollowOptions {
  std::optional<JobId> job = {};  // Absent: all that the certificate may see.
  std::uint64_t after_index = 0;  // Log cursor; without `job`.
  std::uint32_t after_seq = 0;    // The job's own; with `job`.
  bool from_now = false;  // Ignores after_index. follow() returns when the
                          // head has fixed where "now" is.
  std::int64_t start_timeout_ms = 0;  // Of that; 0: Options::timeout_ms.
  bool live = false;                  // Progress and log lines too.
  bool ends_only = false;             // Only how jobs end: completions.
  /// Events that may be under way at a time: the credit of one pull.
  std::uint32_t credit = 1024;
};

/// What one step of a follower brings, in order: PullReply's `entries` are
/// durable and complete; `live` may have gaps: `live_lost` of them are missing
/// before its first.
using FollowBatch = PullReply;

/// Pull style: the caller asks for the next batch; while it works on one, at
/// most one more is under way. One thread at a time; must not outlive its
/// Client.
class Follower {
 public:
  virtual ~Follower() = default;

  /// Waits for events; an empty batch when there were none in time.
  /// Errors: forgotten, not_found, denied, and stale (the head's store is
  /// another one now, the cursor means nothing there): these are final. A
  /// head that is away is waited for; that is no error.
  virtual Result<FollowBatch> next(std::int64_t timeout_ms) = 0;

  /// With `job`: its end has been returned by next(); nothing follows.
  virtual bool finished() const = 0;
};

/// Called on the client's own thread, one batch at a time; an Error is the
/// last call. Must not block nor call what blocks.
using FollowCallback = std::function<void(Result<FollowBatch>)>;

/// Callback style: destroying it ends the calls, waiting for one that runs.
class Subscription {
 public:
  virtual ~Subscription() = default;
};

}  // namespace troupe::client
