// Submits on their way to a head: jobs that wait become one frame, frames that
// were lost with a connection go out again unchanged. Sends nothing itself.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "client/client.hpp"
#include "core/clock.hpp"

namespace troupe::client {

struct SubmitLimits {
  std::uint32_t window_jobs = 4'096;  // Sent and not answered.
  std::uint32_t queue_jobs = 65'536;  // Not sent yet.
  std::size_t batch_bytes = kMaxFrameBytes - 512;
  std::uint32_t batch_jobs = 512;  // So that their answers fit a frame too.
  /// A frame with room in it is held back for more jobs while so many frames,
  /// or more than twice its jobs, are under way. Two: one is made durable
  /// while the next one fills.
  std::uint32_t partial_frames = 2;
};

struct SubmitEntry {
  JobId id;
  SteadyMs deadline_ms = 0;
  SubmitCallback done;  // Empty: was called already.
};

/// The jobs of one frame.
struct SubmitBatch {
  std::uint64_t number = 0;
  std::string bytes;  // msgpack of a SubmitRequest.
  std::vector<SubmitEntry> entries;
  SteadyMs deadline_ms = 0;  // The earliest of the entries'.
};

/// Calls every callback that is still open, with its own answer. A callback
/// that throws ends the program.
void complete(SubmitBatch batch, Result<SubmitReply> reply) noexcept;

/// Callbacks that are due, and what to tell them.
using Overdue = std::vector<SubmitCallback>;

/// Not thread-safe. Invariant: each job is in exactly one of: the open batch,
/// the sealed ones, the sent ones.
class SubmitQueue {
 public:
  explicit SubmitQueue(SubmitLimits limits) : limits_{limits} {}

  /// Errors: too_large (one job over a frame), unavailable (queue_jobs).
  Status add(const JobSpec& spec, SteadyMs deadline_ms, SubmitCallback done);

  /// Whether next() has something to give.
  bool can_send() const;

  /// The next batch to send, to be kept as it is until it is answered or
  /// lost; null where window or frames under way say: not yet.
  const SubmitBatch* next();

  /// Takes an answered batch out; nothing for one that is not under way.
  std::optional<SubmitBatch> answered(std::uint64_t number);

  /// Everything sent and unanswered will be sent again, oldest first.
  void connection_lost();
  /// Only this one, behind those that wait to be sent again already.
  void send_again(std::uint64_t number);

  /// The head allows fewer jobs at a time than the options do.
  void limit_window(std::uint32_t window_jobs);

  /// Callbacks whose deadline has passed. Their jobs still go out, or are
  /// under way: only the answer has nobody left to hear it. Batches nobody
  /// waits for any more and that are not under way are dropped.
  Overdue expire(SteadyMs now_ms);
  /// Nothing where nobody waits.
  std::optional<SteadyMs> next_deadline() const;

  /// Takes everything out.
  std::vector<SubmitBatch> drain();

  std::size_t waiting_jobs() const { return waiting_jobs_; }
  std::size_t sent_jobs() const { return sent_jobs_; }

 private:
  void open_batch();
  void seal();

  SubmitLimits limits_;
  SubmitBatch open_;
  std::deque<SubmitBatch> sealed_;
  std::map<std::uint64_t, SubmitBatch> sent_;
  std::size_t waiting_jobs_ = 0;
  std::size_t sent_jobs_ = 0;
  std::uint64_t last_number_ = 0;
};

}  // namespace troupe::client
