// A follower at work: one pull after the other over a Connection, from the
// cursor of the last answer. Internal to client/.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "client/connection.hpp"
#include "client/follow.hpp"
#include "client/follow_cursor.hpp"

namespace troupe::client {

/// Shared with the callbacks of the pulls that are under way.
class PullLoop : public std::enable_shared_from_this<PullLoop> {
 public:
  PullLoop(Connection& connection, FollowOptions options);

  /// Pull style: take() one batch at a time.
  void start();
  /// Callback style: `callback` gets them, on the connection's thread.
  void start_calling(FollowCallback callback);
  /// Pull style, where `ready` says on the connection's thread that take()
  /// has something to give.
  void start_notifying(std::function<void()> ready);

  /// Waits until the head has said where "now" is. Errors: timeout, and the
  /// final ones of Follower::next().
  Status wait_for_start(std::int64_t timeout_ms);

  /// An empty batch when there was none in time.
  Result<FollowBatch> take(std::int64_t timeout_ms);
  bool finished() const;

  /// No callback runs or will run after this, but one that calls it itself.
  /// REQUIRES: the connection lives.
  void stop();

 private:
  void pull();
  void answered(Result<Answer> answer);
  void deliver(Result<FollowBatch> batch);
  std::optional<Result<FollowBatch>> read(Result<Answer> answer);

  Connection& connection_;
  FollowCallback callback_;
  std::function<void()> ready_notice_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  FollowCursor cursor_;
  std::uint64_t store_ = 0;  // Of the first answer.
  std::optional<Result<FollowBatch>> ready_;
  bool pulling_ = false;
  bool delivering_ = false;
  bool stopped_ = false;
  bool taken_end_ = false;
  std::optional<Error> failed_;
};

}  // namespace troupe::client
