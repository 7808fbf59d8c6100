#include "actors/event_rings.hpp"

#include <algorithm>
#include <utility>

namespace troupe {
namespace {

std::size_t bytes_of(const Failure& f) {
  std::size_t n = f.reason.size() + f.message.size() + 64;
  for (const auto& line : f.last_lines) n += line.size() + 5;
  return n;
}

}  // namespace

/// What a follower may still be given in one answer.
class EventCredit {
 public:
  EventCredit(const PullRequest& request, const EventLimits& limits,
              const PullReply& reply = {})
      : max_events_{limits.ignore_credit
                        ? SIZE_MAX
                        : std::min(request.max_events, limits.max_events)},
        max_bytes_{limits.ignore_credit
                       ? SIZE_MAX
                       : std::min(request.max_bytes, limits.max_bytes)} {
    for (const auto& entry : reply.entries) count(wire_bytes(entry));
    for (const auto& event : reply.live) count(wire_bytes(event));
  }

  /// False: no room for an event of so many bytes. The first may be too long,
  /// or it would never be given.
  bool take(std::size_t bytes) {
    if (events_ >= max_events_ || (events_ > 0 && bytes_ + bytes > max_bytes_))
      return false;
    count(bytes);
    return true;
  }

 private:
  void count(std::size_t bytes) {
    ++events_;
    bytes_ += bytes;
  }

  std::size_t max_events_;
  std::size_t max_bytes_;
  std::size_t events_ = 0;
  std::size_t bytes_ = 0;
};

std::size_t wire_bytes(const JobSpec& s) {
  std::size_t n = 320 + s.kind.size() + s.model.size() + s.params.size() +
                  s.tenant.size() + s.submitted_by.size() + s.device.size();
  for (const auto& tag : s.tags) n += tag.size() + 5;
  n += s.depends_on.size() * 20;
  for (const auto& in : s.inputs)
    n += 96 + in.name.size() + in.sha256.size() + in.output.size();
  for (const auto& b : s.bindings) n += 64 + b.path.size() + b.pointer.size();
  return n;
}

std::size_t wire_bytes(const JobEnd& e) {
  std::size_t n = 48 + e.result.size();
  if (e.failure) n += bytes_of(*e.failure);
  for (const auto& a : e.artifacts)
    n += 64 + a.name.size() + a.sha256.size() + a.media_type.size();
  return n;
}

std::size_t wire_bytes(const LogEntry& entry) {
  const Change& c = entry.change;
  std::size_t n = 120;
  if (c.spec) n += wire_bytes(*c.spec);
  if (c.start) n += 64 + c.start->device.size() + c.start->decision.size();
  if (c.requeue) n += 64 + bytes_of(c.requeue->failure);
  if (c.end) n += wire_bytes(*c.end);
  if (c.note)
    n += 40 + c.note->name.size() + c.note->data.size() + c.note->by.size();
  return n;
}

std::size_t wire_bytes(const LiveEvent& event) {
  std::size_t n = 110 + event.token.size();
  if (event.progress) n += 140 + event.progress->unit.size();
  if (event.log) n += 24 + event.log->stream.size() + event.log->text.size();
  return n;
}

// -- durable ------------------------------------------------------------------

void DurableRing::add(LogEntry entry) {
  if (!entries_.empty() && entry.index != last_index_ + 1) {
    entries_.clear();
    bytes_ = 0;
  }
  last_index_ = entry.index;
  bytes_ += wire_bytes(entry);
  entries_.push_back(std::move(entry));
  while (entries_.size() > limits_.ring_entries ||
         (bytes_ > limits_.ring_bytes && entries_.size() > 1)) {
    bytes_ -= wire_bytes(entries_.front());
    entries_.pop_front();
  }
}

bool DurableRing::covers(std::uint64_t index) const {
  if (entries_.empty()) return index >= last_index_ && last_index_ != 0;
  return index + 1 >= entries_.front().index;
}

PullReply DurableRing::pull(const PullRequest& request) const {
  PullReply reply;
  reply.next_index = std::max(request.after_index, last_index_);
  if (entries_.empty() || request.after_index >= last_index_) return reply;
  EventCredit credit{request, limits_};
  const auto skip = request.after_index + 1 - entries_.front().index;
  for (auto it = entries_.begin() + static_cast<std::ptrdiff_t>(skip);
       it != entries_.end(); ++it) {
    if (request.ends_only && it->change.type != ChangeType::ended) continue;
    if (!credit.take(wire_bytes(*it))) {
      reply.next_index = it->index - 1;
      break;
    }
    reply.entries.push_back(*it);
  }
  return reply;
}

// -- live ---------------------------------------------------------------------

void LiveRings::attempt_started(JobId job, std::uint32_t attempt,
                                std::uint32_t seq) {
  auto& ring = rings_[job];
  if (ring.attempt != attempt || ring.ended) ring = ring_after(ring, attempt);
  ring.after_seq = seq;
  ring.confirmed = true;
}

void LiveRings::job_moved(JobId job, std::uint32_t seq) {
  if (auto it = rings_.find(job); it != rings_.end())
    it->second.after_seq = seq;
}

void LiveRings::attempt_ended(JobId job) {
  auto it = rings_.find(job);
  if (it == rings_.end() || it->second.ended) return;
  // Nobody will ask for nothing.
  if (it->second.next_n == 1 && it->second.earlier_n == 0) {
    rings_.erase(it);
    return;
  }
  it->second.ended = true;
  it->second.progress.reset();
  ended_.push_back(job);
  while (ended_.size() > limits_.ended_attempts) {
    auto old = rings_.find(ended_.front());
    if (old != rings_.end() && old->second.ended) rings_.erase(old);
    ended_.pop_front();
  }
}

bool LiveRings::add(LiveEvent event) {
  auto it = rings_.find(event.job);
  if (it == rings_.end()) {
    // The work began before its start was on disk: keep what it says; the
    // committed start finds the ring and leaves it.
    it = rings_.emplace(event.job, Ring{}).first;
    it->second.attempt = event.attempt;
    unconfirmed_.push_back(event.job);
    if (unconfirmed_.size() > limits_.early_attempts) {
      auto old = rings_.find(unconfirmed_.front());
      if (old != rings_.end() && !old->second.confirmed) rings_.erase(old);
      unconfirmed_.pop_front();
      it = rings_.find(event.job);
      if (it == rings_.end()) return false;
    }
  }
  auto& ring = it->second;
  if (event.attempt < ring.attempt) return false;
  if (event.attempt > ring.attempt) ring = ring_after(ring, event.attempt);
  if (ring.ended) return false;
  event.n = ring.next_n++;
  event.after_seq = ring.after_seq;
  if (event.type == LiveType::progress) ring.progress = event;
  if (event.type != LiveType::token) {
    ring.others.add(std::move(event), limits_.live_events, limits_.live_bytes);
    return true;
  }
  if (event.index)
    event.after_index = std::exchange(ring.index[event.choice.value_or(0)],
                                      event.index.value());
  ring.tokens.add(std::move(event), SIZE_MAX, limits_.token_bytes);
  return true;
}

void LiveRings::Kept::add(LiveEvent event, std::size_t max_events,
                          std::size_t max_bytes) {
  bytes += wire_bytes(event);
  events.push_back(std::move(event));
  while (events.size() > max_events ||
         (bytes > max_bytes && events.size() > 1)) {
    bytes -= wire_bytes(events.front());
    dropped_n = events.front().n;
    ++dropped;
    events.pop_front();
  }
}

std::uint64_t LiveRings::Kept::lost_after(std::uint64_t n) const {
  return dropped_n > n ? std::min(dropped, dropped_n - n) : 0;
}

LiveRings::Ring LiveRings::ring_after(const Ring& old, std::uint32_t attempt) {
  const bool silent = old.next_n == 1;
  Ring ring;
  ring.attempt = attempt;
  ring.earlier_attempt = silent ? old.earlier_attempt : old.attempt;
  ring.earlier_n = silent ? old.earlier_n : old.next_n - 1;
  return ring;
}

std::uint64_t LiveRings::lost(const PullRequest& request, const Ring& ring) {
  const auto after = request.live_attempt == ring.attempt ? request.live_n : 0;
  auto n = ring.others.lost_after(after) + ring.tokens.lost_after(after);
  // What the follower had of the earlier attempt was not all.
  if (request.live_attempt != 0 &&
      request.live_attempt == ring.earlier_attempt &&
      request.live_n < ring.earlier_n)
    n += ring.earlier_n - request.live_n;
  return n;
}

bool LiveRings::append(const PullRequest& request, const Ring& ring,
                       EventCredit& credit, PullReply& reply) {
  const auto after = request.live_attempt == ring.attempt ? request.live_n : 0;
  const auto beyond = [after](const Kept& kept) {
    return std::ranges::upper_bound(kept.events, after, {}, &LiveEvent::n);
  };
  auto other = beyond(ring.others), token = beyond(ring.tokens);
  const auto others_end = ring.others.events.end();
  const auto tokens_end = ring.tokens.events.end();
  while (other != others_end || token != tokens_end) {
    const bool is_token =
        other == others_end || (token != tokens_end && token->n < other->n);
    const auto& event = is_token ? *token++ : *other++;
    if (!credit.take(wire_bytes(event))) return false;
    reply.live.push_back(event);
  }
  return true;
}

void LiveRings::pull(const PullRequest& request, PullReply& reply) const {
  if (!request.live || !request.job) return;
  auto it = rings_.find(*request.job);
  if (it == rings_.end()) return;
  std::optional<LogEntry> end;
  if (!reply.entries.empty() &&
      reply.entries.back().change.type == ChangeType::ended) {
    end = std::move(reply.entries.back());
    reply.entries.pop_back();
  }
  EventCredit credit{request, limits_, reply};
  const bool all = append(request, it->second, credit, reply);
  const bool ends = end && all && credit.take(wire_bytes(*end));
  if (ends) reply.entries.push_back(*std::move(end));
  if (ends || !reply.live.empty()) reply.live_lost = lost(request, it->second);
}

std::optional<std::uint32_t> LiveRings::last_seq(JobId job) const {
  auto it = rings_.find(job);
  if (it == rings_.end() || !it->second.confirmed) return std::nullopt;
  return it->second.after_seq;
}

const LiveEvent* LiveRings::progress(JobId job) const {
  auto it = rings_.find(job);
  if (it == rings_.end() || !it->second.progress) return nullptr;
  return &*it->second.progress;
}

}  // namespace troupe
