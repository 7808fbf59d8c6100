#include "core/change.hpp"

namespace troupe {

std::string_view to_string(ChangeType type) {
  switch (type) {
    case ChangeType::submitted:
      return "submitted";
    case ChangeType::unblocked:
      return "unblocked";
    case ChangeType::started:
      return "started";
    case ChangeType::requeued:
      return "requeued";
    case ChangeType::ended:
      return "ended";
    case ChangeType::noted:
      return "noted";
    case ChangeType::opened:
      return "opened";
    case ChangeType::control:
      return "control";
    case ChangeType::forgotten:
      return "forgotten";
  }
  return "unknown";
}

std::optional<JobState> state_after(const Change& change) {
  switch (change.type) {
    case ChangeType::submitted:
      return change.spec && (!change.spec->depends_on.empty())
                 ? JobState::blocked
                 : JobState::queued;
    case ChangeType::unblocked:
    case ChangeType::requeued:
      return JobState::queued;
    case ChangeType::started:
      return JobState::running;
    case ChangeType::ended:
      if (change.end) return change.end->state;
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

namespace {

Error illegal(std::uint64_t index, const Change& change, std::string_view why) {
  return {Errc::corrupt, "log entry " + std::to_string(index) + " (" +
                             std::string(to_string(change.type)) + ") of job " +
                             to_string(change.job) + ": " + std::string(why)};
}

bool has_its_part(const Change& c) {
  switch (c.type) {
    case ChangeType::submitted:
      return c.spec.has_value();
    case ChangeType::started:
      return c.start.has_value();
    case ChangeType::requeued:
      return c.requeue.has_value();
    case ChangeType::ended:
      return c.end && is_terminal(c.end->state);
    case ChangeType::noted:
      return c.note.has_value();
    case ChangeType::unblocked:
      return true;
    default:
      return false;  // Not of a job's life.
  }
}

}  // namespace

Status apply(JobSummary& summary, const LogEntry& entry) {
  return apply(summary, entry.index, entry.change);
}

Status apply(JobSummary& s, std::uint64_t index, const Change& c) {
  if (!has_its_part(c)) return illegal(index, c, "its part is missing");
  const bool first = c.type == ChangeType::submitted;
  if (first != (s.seq == 0)) return illegal(index, c, "no such job, or twice");
  if (!first && c.job != s.id) return illegal(index, c, "another job's entry");
  if (c.seq != s.seq + 1) return illegal(index, c, "a gap in its events");
  const auto to = state_after(c);
  if (!first && to && !can_move(s.state, *to))
    return illegal(index, c, "no move from " + std::string(to_string(s.state)));
  if (c.type == ChangeType::started && c.attempt != s.attempt + 1)
    return illegal(index, c, "attempts count up by one");
  s.seq = c.seq;
  if (to) s.state = *to;
  switch (c.type) {
    case ChangeType::submitted:
      s.id = c.job;
      s.spec_index = index;
      break;
    case ChangeType::started:
      s.attempt = c.attempt;
      s.start_index = index;
      break;
    case ChangeType::requeued:
      s.requeue_index = index;
      s.failures = c.requeue->failures;
      s.crashes = c.requeue->crashes;
      s.not_before_ms = c.requeue->not_before_ms;
      break;
    case ChangeType::ended:
      s.end_index = index;
      break;
    default:
      break;
  }
  return ok();
}

}  // namespace troupe
