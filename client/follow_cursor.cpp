#include "client/follow_cursor.hpp"

#include <algorithm>
#include <tuple>

namespace troupe::client {

FollowCursor::FollowCursor(const FollowOptions& options) {
  request_.job = options.job;
  request_.after_index = options.after_index;
  request_.after_seq = options.after_seq;
  request_.from_now = options.from_now && !options.job;
  request_.live = options.live;
  request_.ends_only = options.ends_only;
  request_.max_events = std::max(1u, options.credit);
}

PullRequest FollowCursor::next(std::int64_t wait_ms) const {
  auto request = request_;
  // Where "now" is must be known at once, before anything happens after it.
  request.wait_ms = request.from_now ? 0 : wait_ms;
  return request;
}

void FollowCursor::drop_known(PullReply& reply) const {
  std::erase_if(reply.entries, [this](const LogEntry& entry) {
    return request_.job ? entry.change.seq <= request_.after_seq
                        : entry.index <= request_.after_index;
  });
  std::erase_if(reply.live, [this](const LiveEvent& event) {
    return std::tie(event.attempt, event.n) <=
           std::tie(request_.live_attempt, request_.live_n);
  });
}

void FollowCursor::advance(PullReply& reply) {
  drop_known(reply);
  request_.from_now = false;
  request_.after_index = std::max(request_.after_index, reply.next_index);
  for (const auto& entry : reply.entries) {
    request_.after_index = std::max(request_.after_index, entry.index);
    if (!request_.job) continue;
    request_.after_seq = std::max(request_.after_seq, entry.change.seq);
    if (entry.change.type == ChangeType::ended) finished_ = true;
  }
  for (const auto& event : reply.live) {
    request_.live_attempt = event.attempt;
    request_.live_n = event.n;
  }
  // With a job the head may send all its changes: it asks for few of them.
  if (request_.job && request_.ends_only)
    std::erase_if(reply.entries, [](const LogEntry& entry) {
      return entry.change.type != ChangeType::ended;
    });
}

}  // namespace troupe::client
