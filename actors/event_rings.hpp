// What followers can still be given from memory: the newest durable events of
// the log, and a small ring of live events for each attempt. No actor here.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "config/options.hpp"
#include "core/api.hpp"

namespace troupe {

struct EventLimits {
  /// Durable events in memory, and about so many bytes of them.
  std::size_t ring_entries =
      static_cast<std::size_t>(kEventDefaults.ring_entries);
  std::size_t ring_bytes = static_cast<std::size_t>(kEventDefaults.ring_bytes);
  /// Live events per attempt, and so many bytes of them.
  std::size_t live_events =
      static_cast<std::size_t>(kEventDefaults.live_events);
  std::size_t live_bytes = static_cast<std::size_t>(kEventDefaults.live_bytes);
  /// The pieces of its answers, beside these.
  std::size_t token_bytes =
      static_cast<std::size_t>(kEventDefaults.token_bytes);
  std::size_t ended_attempts = 64;      // Attempts kept after their end,
  std::size_t early_attempts = 1'024;   // or before their start is seen.
  std::size_t parked_pulls = 4'096;     // Pulls held back at once.
  std::uint32_t max_events = 4'096;     // Of one answer, and
  std::uint32_t max_bytes = 56 * 1024;  // so many bytes of it.
  std::int64_t max_wait_ms = kEventDefaults.max_wait_ms;  // A pull waits.
  /// Test only: a planted defect that the proofs must catch.
  bool ignore_credit = false;
};

class EventCredit;

/// About what it takes in a frame; an upper bound in practice.
std::size_t wire_bytes(const JobSpec& spec);
std::size_t wire_bytes(const JobEnd& end);
std::size_t wire_bytes(const LogEntry& entry);
std::size_t wire_bytes(const LiveEvent& event);

/// The newest entries of the log, without gaps.
class DurableRing {
 public:
  /// `last_index`: of the log before the first entry that will be added.
  explicit DurableRing(const EventLimits& limits, std::uint64_t last_index = 0)
      : limits_{limits}, last_index_{last_index} {}

  /// An entry that does not follow the last one empties the ring first.
  void add(LogEntry entry);

  /// False: what follows `index` is (partly) older than the ring.
  bool covers(std::uint64_t index) const;
  /// Index of the newest entry, there or not; 0: nobody knows one.
  std::uint64_t last_index() const { return last_index_; }

  /// Entries after `request.after_index`, within its credit.
  /// REQUIRES: covers(request.after_index), no job, no tenant.
  PullReply pull(const PullRequest& request) const;

 private:
  const EventLimits limits_;
  std::deque<LogEntry> entries_;
  std::size_t bytes_ = 0;
  std::uint64_t last_index_;
};

/// Live events of running attempts, newest kept. The text of answers is kept
/// apart: progress pushes none of it out.
class LiveRings {
 public:
  explicit LiveRings(const EventLimits& limits) : limits_{limits} {}

  /// Stamps `n` and `after_seq`. Events of attempts nobody started, or that
  /// ended, are dropped (false).
  bool add(LiveEvent event);

  void attempt_started(JobId job, std::uint32_t attempt, std::uint32_t seq);
  void job_moved(JobId job, std::uint32_t seq);
  void attempt_ended(JobId job);

  /// Appends what the follower (live_attempt, live_n) of `request.job` lacks,
  /// within `request`'s credit less what `reply` already has, and says how
  /// much of it is gone; that is missing before what is appended, and is said
  /// once, with the events that move the follower's cursor. The job's end, the
  /// last that a follower asks for, is taken out of `reply` as long as live
  /// events before it are left: its next pull brings it again.
  void pull(const PullRequest& request, PullReply& reply) const;

  /// Sequence number of the newest durable event of a job whose attempt has a
  /// ring; nothing for others.
  std::optional<std::uint32_t> last_seq(JobId job) const;

  /// The newest progress of a running job's attempt; null: none.
  const LiveEvent* progress(JobId job) const;

 private:
  /// In the order of `n`, which has gaps where the other sort's are.
  struct Kept {
    void add(LiveEvent event, std::size_t max_events, std::size_t max_bytes);
    /// Dropped ones that follow `n`; at most that many.
    std::uint64_t lost_after(std::uint64_t n) const;

    std::deque<LiveEvent> events;
    std::size_t bytes = 0;
    std::uint64_t dropped = 0;
    std::uint64_t dropped_n = 0;  // Of the newest of them.
  };
  struct Ring {
    std::uint32_t attempt = 0;
    std::uint32_t after_seq = 0;
    std::uint64_t next_n = 1;
    // The last attempt before it that said something, and how much.
    std::uint32_t earlier_attempt = 0;
    std::uint64_t earlier_n = 0;
    bool ended = false;
    bool confirmed = false;  // Its start was seen on the log.
    Kept others;             // Progress and log lines.
    Kept tokens;
    std::map<std::uint32_t, std::uint64_t> index;  // Newest, by choice.
    std::optional<LiveEvent> progress;
  };

  static Ring ring_after(const Ring& old, std::uint32_t attempt);
  static std::uint64_t lost(const PullRequest& request, const Ring& ring);
  /// False: the credit did not suffice for all.
  static bool append(const PullRequest& request, const Ring& ring,
                     EventCredit& credit, PullReply& reply);

  const EventLimits limits_;
  std::unordered_map<JobId, Ring> rings_;
  std::deque<JobId> ended_;        // Oldest first.
  std::deque<JobId> unconfirmed_;  // Likewise; may name confirmed ones.
};

}  // namespace troupe
