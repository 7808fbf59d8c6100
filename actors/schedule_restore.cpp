// How Schedule takes up what the log says was live.
#include <algorithm>

#include "actors/schedule_impl.hpp"
#include "core/loss.hpp"

namespace troupe {

void Schedule::Impl::take_over(std::uint32_t slot, const RestoredJob& live,
                               Now now, Decisions& out) {
  JobSlot& job = slots[slot];
  const std::uint32_t device = devices.number(live.start->device);
  Run run;
  run.job = slot;
  run.device = device;
  run.memory_bytes = job.memory_bytes;
  if (const auto model = key_of(job).model; model != 0) {
    run.model = model;
    run.model_bytes = use_model(model, key_of(job).kind, devices[device]);
    devices[device].resident(model)->reserved = true;
  } else {
    ++devices[device].lone;
  }
  run.started =
      now.steady - std::max<SteadyMs>(0, now.wall - live.start_time_ms);
  run.lease_until = now.steady + options.limits.lease_ms;
  run.decision = live.start->decision;
  run.waited = live.engine_waited_ms;
  if (live.engine_full_ms != 0)
    run.full_since =
        now.steady - std::max<SteadyMs>(0, now.wall - live.engine_full_ms);
  if (live.spec.timeout_ms)
    run.timeout_at = run.started + *live.spec.timeout_ms + run.waited;
  devices[device].used_bytes += run.memory_bytes;
  const std::uint32_t n = runs.add(std::move(run));
  job.next = n;
  set_stand(slot, Stand::running);
  runs.watch(n);
  if (live.cancel_requested) {
    job.cancel = true;
    order_stop(n, StopReason::cancelled, now, out);
  }
}

void Schedule::Impl::crashed(std::uint32_t slot, Failure failure, Now now,
                             Decisions& out) {
  const JobSlot& job = slots[slot];
  const std::uint32_t crashes = std::uint32_t{job.crashes} + 1;
  if (traits[job.traits].on_lost == OnLost::fail) {
    failure.message += ", and the job is not to be repeated (on_lost: fail)";
  } else if (crashes >= options.limits.suspect_crashes) {
    failure.klass = FailureClass::suspect;
    failure.reason = "crashed_with_node";
    failure.message =
        "the job ran each of " + std::to_string(crashes) +
        " times in a row that the node or its device went down: run it alone "
        "and watch memory and power, then retry it";
  } else {
    return requeue(slot, {std::move(failure), 0, job.failures, crashes}, now,
                   out);
  }
  finish(slot, {JobState::failed, std::move(failure), {}, {}}, now, out);
}

void Schedule::Impl::fence(std::uint32_t slot, const RestoredJob& live, Now now,
                           Decisions& out) {
  Failure failure{FailureClass::transient,
                  std::string{kNodeCrashed},
                  "the node went down during the attempt",
                  {}};
  if (live.cancel_requested)
    return finish(slot, {JobState::cancelled, std::move(failure), {}, {}}, now,
                  out);
  crashed(slot, std::move(failure), now, out);
}

void Schedule::restore(const RestoredJob& live, Now now, Decisions& out,
                       ModelUse use) {
  Impl& s = *impl_;
  const JobSummary& was = live.summary;
  if (is_terminal(was.state) || s.slots.find(was.id) != Impl::kNone) return;
  const std::uint32_t slot = s.take_in(
      live.spec, live.whole_spec ? content_hash(live.spec) : Impl::kUnknown,
      s.know_model(std::move(use)));
  JobSlot& job = s.slots[slot];
  job.spec_index = was.spec_index;
  job.seq = was.seq;
  job.attempt = was.attempt;
  job.failures =
      static_cast<std::uint16_t>(std::min<std::uint32_t>(was.failures, 0xffff));
  job.crashes =
      static_cast<std::uint8_t>(std::min<std::uint32_t>(was.crashes, 0xff));
  UnixMs queued_ms = live.queued_ms;
  if (queued_ms == 0) queued_ms = live.spec.submitted_ms;
  queued_ms = std::max(queued_ms, was.not_before_ms);
  job.since = now.steady - std::max<SteadyMs>(0, now.wall - queued_ms);
  s.keep_times(slot, live.spec);
  if (live.spec.deadline_ms) s.deadlines.emplace(*live.spec.deadline_ms, slot);
  s.set_stand(slot, Stand::blocked);  // Until the next lines say better.
  if (was.state == JobState::running) {
    if (live.start_epoch == s.options.epoch && live.start)
      s.take_over(slot, live, now, out);
    else
      s.fence(slot, live, now, out);
    return;
  }
  if (was.state == JobState::queued) {
    if (was.not_before_ms > now.wall) {
      // The wall clock may have been set: never wait longer than asked for.
      const auto most =
          std::max<std::int64_t>(live.spec.retry.max_backoff_ms, 0);
      s.extra(slot).ready_at =
          now.steady +
          std::min<std::int64_t>(was.not_before_ms - now.wall, most);
    }
    return s.make_ready(slot, now);
  }
  const auto check = s.check_dependencies(live.spec);
  if (check.error || check.broken) {
    Failure failure =
        check.broken.value_or(Failure{FailureClass::dependency,
                                      "dependency_unknown",
                                      check.error ? check.error->message : "",
                                      {}});
    return s.finish(slot, {JobState::failed, std::move(failure), {}, {}}, now,
                    out);
  }
  for (const JobId on : check.waits) s.dependencies.add(was.id, on);
  if (check.waits.empty()) s.unblock(slot, now, out);
}

}  // namespace troupe
