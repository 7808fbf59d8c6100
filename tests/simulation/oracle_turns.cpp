// Whose turn it was: ageing, as docs/scheduling.md states it.
#include <algorithm>

#include "tests/simulation/oracle.hpp"

namespace troupe::simulation {

namespace {

/// Since when nothing but room and turn keeps the job from its start.
UnixMs ready_ms(const Oracle::Job& job) {
  return std::max(
      {job.queued_ms, job.not_before_ms, job.spec.not_before_ms.value_or(0)});
}

/// They go strictly one after the other, by index.
bool alike(const Oracle::Job& a, const Oracle::Job& b) {
  return a.spec.priority == b.spec.priority && a.spec.tenant == b.spec.tenant &&
         a.spec.kind == b.spec.kind && a.spec.device == b.spec.device &&
         a.spec.model == b.spec.model &&
         a.spec.memory_bytes == b.spec.memory_bytes;
}

}  // namespace

int Oracle::level(const Job& job, UnixMs now) const {
  const auto waited = std::max<UnixMs>(0, now - ready_ms(job));
  const auto risen = waited / options_.ageing_step_ms;
  return static_cast<int>(std::min<std::int64_t>(
      static_cast<std::int64_t>(job.spec.priority) + risen,
      static_cast<std::int64_t>(Priority::high)));
}

// With what stands behind it and must not pass it.
int Oracle::standing(const Job& job, UnixMs now) const {
  int highest = level(job, now);
  for (const auto& [id, other] : jobs_)
    if (other.state == JobState::queued && other.index > job.index &&
        ready_ms(other) <= now && alike(other, job))
      highest = std::max(highest, level(other, now));
  return highest;
}

bool Oracle::could_start_instead(const Job& job, const Job& started,
                                 const LogEntry& entry) const {
  const auto& where = entry.change.start->device;
  return job.state == JobState::queued && &job != &started &&
         job.spec.tenant == started.spec.tenant &&
         job.spec.kind == started.spec.kind &&
         // Another model's would take other memory, and maybe a slot.
         job.spec.model == started.spec.model &&
         job.spec.memory_bytes <= started.spec.memory_bytes &&
         (job.spec.device.empty() || job.spec.device == where) &&
         // The ledger may have refused it a moment ago; that keeps it off the
         // device for a second and uses no attempt, so the log is silent.
         ready_ms(job) + options_.slack_ms <= entry.change.time_ms;
}

void Oracle::check_turn(const Job& started, const LogEntry& entry) {
  if (options_.ageing_step_ms == 0) return;
  const auto now = entry.change.time_ms;
  const int stood = standing(started, now);
  for (const auto& [id, job] : jobs_) {
    if (!could_start_instead(job, started, entry)) continue;
    const int stands = standing(job, now);
    if (stands < stood || (stands == stood && job.index > started.index))
      continue;
    auto what = name_of(id) + " waited " + std::to_string(now - ready_ms(job)) +
                " ms and was overtaken by " + name_of(entry.change.job) +
                ", which ranks behind it";
    if (job.spec.device.empty())
      overtaken_.push_back({id, now, std::move(what)});
    else
      violation(std::move(what));
  }
}

// Who had the turn may have been given another device, whose ledger answers
// only now: then it starts at once, and nobody went first.
void Oracle::check_overtaken(UnixMs now) {
  std::erase_if(overtaken_, [&](Overtaken& o) {
    if (now < o.at_ms + options_.slack_ms) return false;
    violation(std::move(o.what));
    return true;
  });
}

}  // namespace troupe::simulation
