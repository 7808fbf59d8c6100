// How jobs come into Schedule.
#include "actors/schedule_impl.hpp"
#include "kinds/submit_check.hpp"

namespace troupe {

std::optional<SubmitOutcome> Schedule::Impl::duplicate_of(
    const JobSpec& spec, std::uint64_t content) {
  SubmitOutcome outcome;
  outcome.answer.id = spec.id;
  PastJob found;
  if (const std::uint32_t slot = slots.find(spec.id); slot != kNone) {
    found = {state(slots[slot]), slots[slot].content, {}};
    outcome.pending = slots[slot].stand == Stand::pending;
    if (found.content == kUnknown) {
      const auto old = past.find(spec.id);
      if (!old) {
        outcome.answer.error = old.error();
        return outcome;
      }
      found.content = slots[slot].content = old->content;
    }
  } else if (const auto old = past.find(spec.id); old) {
    found = *old;
  } else if (old.error().code == Errc::not_found) {
    return std::nullopt;
  } else {
    outcome.answer.error = old.error();
    return outcome;
  }
  outcome.answer.state = found.state;
  outcome.answer.existed = found.content == content;
  if (!outcome.answer.existed) {
    outcome.pending = false;
    outcome.answer.error =
        Error{Errc::already_exists,
              "job " + to_string(spec.id) +
                  " exists with other content: submit this one under a new id"};
  }
  return outcome;
}

std::optional<Error> Schedule::Impl::refusal(const JobSpec& spec,
                                             std::uint32_t model,
                                             Now now) const {
  const SchedulerLimits& limits = options.limits;
  const auto later = [&](std::string why, std::uint64_t limit) {
    return Error{Errc::unavailable,
                 std::move(why),
                 {},
                 drain_rate.ms_for(limit / 64 + 1, now.steady)};
  };
  const std::uint32_t kind = kinds.find(spec.kind);
  if (draining)
    return later("the queue is draining: submits are refused until it resumes",
                 0);
  if (draining_kinds.contains(kind))
    return later("kind " + spec.kind +
                     " is draining: its submits are refused " +
                     "until it resumes",
                 0);
  const std::uint64_t live =
      slots.size() - standing[static_cast<std::size_t>(Stand::ended)];
  if (live >= limits.max_live_jobs)
    return later("the queue is full: " + std::to_string(live) + " of " +
                     std::to_string(limits.max_live_jobs) + " jobs",
                 limits.max_live_jobs);
  const std::uint32_t tenant = tenants.find(spec.tenant);
  if (tenant < tenant_jobs.size() &&
      tenant_jobs[tenant] >= limits.max_live_jobs_per_tenant)
    return later("tenant " + spec.tenant + " has " +
                     std::to_string(tenant_jobs[tenant]) + " of its " +
                     std::to_string(limits.max_live_jobs_per_tenant) + " jobs",
                 limits.max_live_jobs_per_tenant);
  if (auto why = devices.never_fits(spec.kind, spec.device, spec.memory_bytes,
                                    model_use(model)))
    return submit_error({*std::move(why)});
  return std::nullopt;
}

Result<JobState> Schedule::Impl::state_of(JobId id, const std::string& tenant) {
  if (const std::uint32_t slot = slots.find(id); slot != kNone) {
    const JobSlot& job = slots[slot];
    if (tenants[key_of(job).tenant] != tenant) return unknown_job(id);
    return state(job);
  }
  const auto old = past.find(id);
  if (!old) return old.error();
  if (old->tenant != tenant) return unknown_job(id);
  return old->state;
}

Schedule::Impl::DependencyCheck Schedule::Impl::check_dependencies(
    const JobSpec& spec) {
  DependencyCheck check;
  const auto refuse = [&](Errc code, JobId on, const std::string& why) {
    check.error =
        Error{code, "it depends on job " + to_string(on) + ", which " + why};
  };
  for (const JobId on : spec.depends_on) {
    if (on == spec.id)
      return refuse(Errc::invalid_argument, on, "is itself"), check;
    const auto other = state_of(on, spec.tenant);
    if (!other) {
      const Errc code = other.error().code;
      if (code == Errc::not_found)
        refuse(code, on, "is not known");
      else if (code == Errc::forgotten)
        refuse(code, on, "retention removed");
      else
        check.error = other.error();
      return check;
    }
    if (!is_terminal(*other))
      check.waits.push_back(on);
    else if (*other != JobState::succeeded && !check.broken)
      check.broken = dependency_failure(on, on, *other);
  }
  if (!spec.parent) return check;
  // One that retention removed still names a group.
  if (const auto parent = state_of(*spec.parent, spec.tenant);
      !parent && parent.error().code != Errc::forgotten) {
    check.error = parent.error();
    check.error->message = "its parent: " + check.error->message;
  }
  return check;
}

SubmitOutcome Schedule::submit(JobSpec spec, Now now, Decisions& out,
                               ModelUse use) {
  Impl& s = *impl_;
  SubmitOutcome outcome;
  outcome.answer.id = spec.id;
  const auto refuse = [&outcome](Error error) {
    outcome.answer.error = std::move(error);
    return outcome;
  };
  const std::size_t named =
      spec.depends_on.size() + spec.inputs.size() + spec.bindings.size();
  if (named > s.options.limits.max_dependencies)
    return refuse({Errc::too_large,
                   "job " + to_string(spec.id) + " names " +
                       std::to_string(named) +
                       " dependencies, inputs and bindings; at most " +
                       std::to_string(s.options.limits.max_dependencies)});
  complete_dependencies(spec);
  const std::uint64_t content = content_hash(spec);
  if (auto known = s.duplicate_of(spec, content)) return *known;
  const auto model = s.know_model(std::move(use));
  if (auto why = s.refusal(spec, model, now)) return refuse(std::move(*why));
  auto check = s.check_dependencies(spec);
  if (check.error) return refuse(std::move(*check.error));

  const std::uint32_t slot = s.take_in(spec, content, model);
  s.set_stand(slot, Stand::pending);
  s.slots[slot].since = now.steady;
  s.keep_times(slot, spec);
  if (check.broken)
    s.extra(slot).broken = std::move(check.broken);
  else
    for (const JobId on : check.waits) s.dependencies.add(spec.id, on);
  outcome.answer.state = s.state(s.slots[slot]);
  outcome.pending = true;
  s.emit(slot, ChangeType::submitted, now, out).spec = std::move(spec);
  return outcome;
}

void Schedule::submit_committed(JobId id, std::uint64_t spec_index, Now now,
                                Decisions& out) {
  Impl& s = *impl_;
  const std::uint32_t slot = s.slots.find(id);
  if (slot == Impl::kNone || s.slots[slot].stand != Stand::pending) return;
  JobSlot& job = s.slots[slot];
  job.spec_index = spec_index;
  s.set_stand(slot, Stand::blocked);  // Until the next lines say better.
  if (const JobExtra* x = s.find_extra(slot)) {
    if (x->deadline) s.deadlines.emplace(*x->deadline, slot);
    if (job.cancel) {
      s.note(slot, "cancel_requested", x->cancelled_by, now, out);
      return s.finish(slot, {JobState::cancelled, {}, {}, {}}, now, out);
    }
    if (x->broken)
      return s.finish(slot, {JobState::failed, x->broken, {}, {}}, now, out);
  }
  if (s.dependencies.waits(id)) return;
  if (job.had_dependencies) return s.unblock(slot, now, out);
  s.make_ready(slot, now);
}

void Schedule::submit_refused(JobId id, Now now, Decisions& out) {
  Impl& s = *impl_;
  const std::uint32_t slot = s.slots.find(id);
  if (slot == Impl::kNone || s.slots[slot].stand != Stand::pending) return;
  // Those that were submitted meanwhile and depend on it end with it; its own
  // changes never reached the log, so the end it gets here is dropped.
  Decisions ends;
  s.finish(slot, {JobState::failed, {}, {}, {}}, now, ends);
  for (Change& change : ends.changes)
    if (change.job != id) out.changes.push_back(std::move(change));
  s.forget(slot);
}

void Schedule::end_committed(JobId id) {
  const std::uint32_t slot = impl_->slots.find(id);
  if (slot != Impl::kNone && impl_->slots[slot].stand == Stand::ended)
    impl_->forget(slot);
}

}  // namespace troupe
