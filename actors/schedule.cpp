#include "actors/schedule.hpp"

#include <algorithm>

#include "actors/retry.hpp"
#include "actors/schedule_impl.hpp"
#include "core/loss.hpp"

namespace troupe {

Schedule::Schedule(ScheduleOptions options, Random& random, PastJobs& past)
    : impl_{std::make_unique<Impl>(std::move(options), random, past)} {}
Schedule::~Schedule() = default;
Schedule::Schedule(Schedule&&) noexcept = default;

// -- a job's life -------------------------------------------------------------

namespace {

/// Counts against the tenant's share.
constexpr bool takes_part(Stand stand) {
  return stand == Stand::queued || stand == Stand::reserving ||
         stand == Stand::running;
}

}  // namespace

std::uint32_t Schedule::Impl::take_in(const JobSpec& spec,
                                      std::uint64_t content,
                                      std::uint32_t model) {
  LaneKey key;
  key.klass = spec.priority;
  key.tenant = tenants.number(spec.tenant);
  key.kind = kinds.number(spec.kind);
  key.place = devices.places().number(spec.device);
  key.memory_bytes = spec.memory_bytes;
  key.model = model;
  const std::uint32_t slot = slots.add(spec.id);
  JobSlot& job = slots[slot];
  job.content = content;
  job.memory_bytes = spec.memory_bytes;
  job.lane = lanes.lane_of(key);
  job.traits = traits.acquire(spec);
  job.next = job.prev = kNone;
  job.had_dependencies = !spec.depends_on.empty();
  if (key.tenant >= tenant_jobs.size()) tenant_jobs.resize(key.tenant + 1);
  ++tenant_jobs[key.tenant];
  return slot;
}

void Schedule::Impl::forget(std::uint32_t slot) {
  JobSlot& job = slots[slot];
  --standing[static_cast<std::size_t>(job.stand)];
  if (job.stand != Stand::ended) --tenant_jobs[key_of(job).tenant];
  traits.release(job.traits);
  slots.remove(slot);
}

JobState Schedule::Impl::state(const JobSlot& job) const {
  switch (job.stand) {
    case Stand::pending:
      return job.had_dependencies ? JobState::blocked : JobState::queued;
    case Stand::blocked:
      return JobState::blocked;
    case Stand::running:
      return JobState::running;
    case Stand::ended:
      return job.end;
    default:
      return JobState::queued;
  }
}

void Schedule::Impl::set_stand(std::uint32_t slot, Stand stand) {
  JobSlot& job = slots[slot];
  const std::uint32_t tenant = key_of(job).tenant;
  const bool took_part = takes_part(job.stand);
  if (job.stand != Stand{}) --standing[static_cast<std::size_t>(job.stand)];
  ++standing[static_cast<std::size_t>(stand)];
  job.stand = stand;
  if (!took_part && takes_part(stand)) share.joined(tenant);
  if (took_part && !takes_part(stand)) share.left(tenant);
}

JobExtra& Schedule::Impl::extra(std::uint32_t slot) {
  slots[slot].extra = true;
  return extras[slot];
}

const JobExtra* Schedule::Impl::find_extra(std::uint32_t slot) const {
  return slots[slot].extra ? &extras.at(slot) : nullptr;
}

void Schedule::Impl::keep_times(std::uint32_t slot, const JobSpec& spec) {
  if (spec.not_before_ms) extra(slot).not_before = spec.not_before_ms;
  if (spec.deadline_ms) extra(slot).deadline = spec.deadline_ms;
  if (spec.timeout_ms) extra(slot).timeout_ms = spec.timeout_ms;
}

Change& Schedule::Impl::emit(std::uint32_t slot, ChangeType type, Now now,
                             Decisions& out) {
  JobSlot& job = slots[slot];
  ++job.seq;
  if (options.defects.skip_seq && type == ChangeType::started) ++job.seq;
  Change& change = out.changes.emplace_back();
  change.type = type;
  change.job = job.id;
  change.seq = job.seq;
  change.attempt = job.attempt;
  change.time_ms = now.wall;
  return change;
}

void Schedule::Impl::note(std::uint32_t slot, const char* name,
                          const std::string& by, Now now, Decisions& out) {
  emit(slot, ChangeType::noted, now, out).note = Note{name, "{}", by};
}

void Schedule::Impl::make_ready(std::uint32_t slot, Now now) {
  if (const JobExtra* x = find_extra(slot)) {
    if (x->not_before && *x->not_before > now.wall) {
      not_befores.emplace(*x->not_before, slot);
      return set_stand(slot, Stand::delayed);
    }
    if (x->ready_at > now.steady) {
      back_offs.emplace(x->ready_at, slot);
      return set_stand(slot, Stand::delayed);
    }
    // What it waited for its own time makes it no older.
    SteadyMs& since = slots[slot].since;
    since = std::max(since, x->ready_at);
    if (x->not_before)
      since = std::max(since, now.steady - (now.wall - *x->not_before));
  }
  set_stand(slot, Stand::queued);
  lanes.enter(slot);
}

void Schedule::Impl::leave_lane(std::uint32_t slot) {
  lanes.leave(slot);
  for (Hold& hold : holds)
    if (hold.slot == slot) hold = {};
}

void Schedule::Impl::stop_waiting(std::uint32_t slot) {
  JobSlot& job = slots[slot];
  if (job.stand == Stand::queued) leave_lane(slot);
  if (job.stand != Stand::delayed) return;
  const JobExtra* x = find_extra(slot);
  if (x->not_before) not_befores.erase({*x->not_before, slot});
  back_offs.erase({x->ready_at, slot});
}

void Schedule::Impl::finish_one(std::uint32_t slot, JobEnd end, Now now,
                                Decisions& out) {
  stop_waiting(slot);
  JobSlot& job = slots[slot];
  if (!dependencies.empty()) dependencies.drop(job.id);
  if (job.extra) {
    const JobExtra& x = extras.at(slot);
    if (x.deadline) deadlines.erase({*x.deadline, slot});
    extras.erase(slot);
    job.extra = false;
  }
  job.end = end.state;
  set_stand(slot, Stand::ended);
  --tenant_jobs[key_of(job).tenant];
  drain_rate.ended(now.steady);
  emit(slot, ChangeType::ended, now, out).end = std::move(end);
}

void Schedule::Impl::finish(std::uint32_t slot, JobEnd end, Now now,
                            Decisions& out) {
  const JobId id = slots[slot].id;
  const JobState ended_as = end.state;
  finish_one(slot, std::move(end), now, out);
  if (dependencies.empty()) return;
  if (ended_as == JobState::succeeded) {
    for (const JobId other : dependencies.satisfied(id)) {
      const std::uint32_t n = slots.find(other);
      if (slots[n].stand == Stand::blocked) unblock(n, now, out);
    }
    return;
  }
  // Breadth first, without recursion: chains may be long.
  std::vector<JobId> ends{id};
  for (std::size_t i = 0; i < ends.size(); ++i)
    for (const JobId other : dependencies.broken(ends[i])) {
      const std::uint32_t n = slots.find(other);
      Failure failure = dependency_failure(ends[i], id, ended_as);
      if (slots[n].stand == Stand::pending) {
        extra(n).broken = std::move(failure);
        continue;
      }
      finish_one(n, {JobState::failed, std::move(failure), {}, {}}, now, out);
      ends.push_back(other);
    }
}

void Schedule::Impl::unblock(std::uint32_t slot, Now now, Decisions& out) {
  emit(slot, ChangeType::unblocked, now, out);
  slots[slot].since = now.steady;
  make_ready(slot, now);
}

bool Schedule::Impl::deadline_passed(std::uint32_t slot, Now now) const {
  const JobExtra* x = find_extra(slot);
  return x && x->deadline && *x->deadline <= now.wall;
}

void Schedule::Impl::requeue(std::uint32_t slot, Requeued requeue, Now now,
                             Decisions& out) {
  if (deadline_passed(slot, now))
    return finish(slot, {JobState::expired, std::move(requeue.failure), {}, {}},
                  now, out);
  JobSlot& job = slots[slot];
  job.failures = static_cast<std::uint16_t>(
      std::min<std::uint32_t>(requeue.failures, 0xffff));
  job.crashes =
      static_cast<std::uint8_t>(std::min<std::uint32_t>(requeue.crashes, 0xff));
  if (requeue.not_before_ms > now.wall)
    extra(slot).ready_at = now.steady + (requeue.not_before_ms - now.wall);
  emit(slot, ChangeType::requeued, now, out).requeue = std::move(requeue);
  job.since = now.steady;
  make_ready(slot, now);
}

static constexpr std::int64_t kStopMs = 1'000;

void Schedule::Impl::fail_or_retry(std::uint32_t slot, JobEnd end, Now now,
                                   Decisions& out) {
  const JobSlot& job = slots[slot];
  const RetryPolicy& policy = traits[job.traits].retry;
  const bool is_stop = end.failure->reason == kNodeShutdown;
  if ((is_stop || end.failure->reason == kGuardLost) &&
      traits[job.traits].on_lost == OnLost::fail) {
    if (is_stop)
      end.failure->message = "the node was stopped during the attempt";
    end.failure->message += "; on_lost says not to repeat it";
    return finish(slot, std::move(end), now, out);
  }
  if (is_stop) {
    // An orderly stop of the node is nobody's failure. The wait keeps the job
    // from starting again on a node that is stopping.
    const auto again = now.wall + std::max(policy.backoff_ms, kStopMs);
    return requeue(slot, {std::move(*end.failure), again, job.failures, 0}, now,
                   out);
  }
  const std::uint32_t failures = std::uint32_t{job.failures} + 1;
  if (!may_retry(end.failure->klass, policy) || failures >= policy.max_attempts)
    return finish(slot, std::move(end), now, out);
  const std::int64_t wait = backoff_ms(policy, failures, random);
  requeue(
      slot,
      {std::move(*end.failure), wait > 0 ? now.wall + wait : 0, failures, 0},
      now, out);
}

// -- numbers ------------------------------------------------------------------

void DrainRate::ended(SteadyMs now) {
  if (since_ == 0) since_ = now;
  ++ends_;
  const SteadyMs span = now - since_;
  if (span < 1'000) return;
  const double rate = static_cast<double>(ends_) / static_cast<double>(span);
  per_ms_ = per_ms_ == 0 ? rate : (per_ms_ + rate) / 2;
  since_ = now;
  ends_ = 0;
}

std::int64_t DrainRate::ms_for(std::uint64_t jobs, SteadyMs now) const {
  double rate = per_ms_;
  if (ends_ > 0 && now > since_) {
    const double newest =
        static_cast<double>(ends_) / static_cast<double>(now - since_);
    rate = rate == 0 ? newest : (rate + newest) / 2;
  }
  if (rate == 0) return 1'000;  // Nothing was measured yet.
  return static_cast<std::int64_t>(
      std::clamp(static_cast<double>(jobs) / rate, 50.0, 60'000.0));
}

ScheduleCounts Schedule::counts() const {
  const Impl& s = *impl_;
  const auto of = [&s](Stand stand) {
    return s.standing[static_cast<std::size_t>(stand)];
  };
  ScheduleCounts c;
  c.pending = of(Stand::pending);
  c.blocked = of(Stand::blocked);
  c.queued = of(Stand::delayed) + of(Stand::queued) + of(Stand::reserving);
  c.running = of(Stand::running);
  c.ended = of(Stand::ended);
  c.stale_ends = s.stale_ends;
  c.memory_bytes = s.slots.memory_bytes() + s.lanes.size() * sizeof(Lane) +
                   s.extras.size() * (sizeof(JobExtra) + 32);
  return c;
}

std::optional<JobState> Schedule::state_of(JobId id) const {
  const std::uint32_t slot = impl_->slots.find(id);
  if (slot == Impl::kNone) return std::nullopt;
  return impl_->state(impl_->slots[slot]);
}

}  // namespace troupe
