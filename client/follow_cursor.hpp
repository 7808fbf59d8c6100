// Where a follower stands: turns it into the next pull, and takes out of each
// reply what the follower has already. Pure.
#pragma once

#include "client/follow.hpp"

namespace troupe::client {

class FollowCursor {
 public:
  explicit FollowCursor(const FollowOptions& options);

  /// The pull that asks for what comes next.
  PullRequest next(std::int64_t wait_ms) const;

  /// Moves behind `reply`; durable and live events that were given out before
  /// are removed from it, so that a repeated answer brings nothing twice.
  void advance(PullReply& reply);

  /// True as long as the head has not said where "now" is.
  bool floating() const { return request_.from_now; }
  /// With a job: its end was in a reply.
  bool finished() const { return finished_; }

 private:
  void drop_known(PullReply& reply) const;

  PullRequest request_;
  bool finished_ = false;
};

}  // namespace troupe::client
