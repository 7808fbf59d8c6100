// Attempts of Schedule: begun, started, kept alive, ended, lost.
#include <algorithm>
#include <utility>

#include "actors/schedule_impl.hpp"
#include "core/loss.hpp"

namespace troupe {
namespace {

constexpr SteadyMs kRefusedPauseMs = 1'000;
/// Charged for an attempt of unknown length until more is known.
constexpr double kUnknownMs = 100;

}  // namespace

Token Schedule::Impl::token_of(const JobSlot& job, const Run& run) const {
  return {options.epoch, job.id, job.attempt + (run.reserving ? 1 : 0)};
}

std::optional<std::uint32_t> Schedule::Impl::current(const Token& token) const {
  const std::uint32_t slot = slots.find(token.job);
  if (slot == kNone) return std::nullopt;
  const JobSlot& job = slots[slot];
  if (job.stand != Stand::running || token.epoch != options.epoch)
    return std::nullopt;
  if (token.attempt != job.attempt && !options.defects.accept_late_attempt)
    return std::nullopt;
  return job.next;
}

std::vector<ModelPart> Schedule::Impl::shared_of(const Run& run) const {
  return parts_on(devices[run.device], run.model);
}

bool Schedule::Impl::outside_effects(std::uint32_t kind) {
  if (kind >= effects.size()) effects.resize(kind + 1, -1);
  if (effects[kind] < 0) {
    const Kind* known = find_kind(options.kinds, kinds[kind]);
    effects[kind] = known && known->outside_effects;
  }
  return effects[kind] == 1;
}

void Schedule::Impl::charge(std::uint32_t run, double ran_ms) {
  Run& r = runs[run];
  const double part =
      devices[r.device].share_of(r.memory_bytes + r.model_bytes);
  const double cost = std::max(ran_ms, r.expected_ms) * part;
  const double ahead = cost - ran_ms * part;
  share.charge(key_of(slots[r.job]).tenant, cost - r.charged, ahead - r.ahead);
  r.charged = cost;
  r.ahead = ahead;
}

void Schedule::Impl::begin(std::uint32_t slot, std::uint32_t device, Now now,
                           Decisions& out) {
  JobSlot& job = slots[slot];
  DeviceState& d = devices[device];
  std::string why = decision(slot, device, now);
  if (job.extra) extra(slot).made_room.clear();
  leave_lane(slot);
  set_stand(slot, Stand::reserving);
  d.used_bytes += job.memory_bytes;
  Run run;
  run.job = slot;
  run.device = device;
  run.memory_bytes = job.memory_bytes;
  if (const auto model = key_of(job).model; model != 0) {
    run.model = model;
    run.model_bytes = use_model(model, key_of(job).kind, d);
  } else {
    ++d.lone;
  }
  run.reserving = true;
  run.decision = std::move(why);
  run.expected_ms = std::max(1.0, expected_ms(job, d).value_or(kUnknownMs));
  const std::uint32_t n = runs.add(std::move(run));
  job.next = n;
  charge(n, 0);
  if (job.memory_bytes == 0 && runs[n].model == 0) return start(n, now, out);
  out.reserves.push_back({token_of(job, runs[n]), d.info.name, job.memory_bytes,
                          shared_of(runs[n])});
}

void Schedule::Impl::start(std::uint32_t n, Now now, Decisions& out) {
  Run& run = runs[n];
  JobSlot& job = slots[run.job];
  const DeviceState& device = devices[run.device];
  run.reserving = false;
  run.started = now.steady;
  run.lease_until = now.steady + options.limits.lease_ms;
  if (const JobExtra* x = find_extra(run.job); x && x->timeout_ms)
    run.timeout_at = now.steady + std::max<std::int64_t>(*x->timeout_ms, 0);
  runs.watch(n);
  set_stand(run.job, Stand::running);
  ++job.attempt;
  emit(run.job, ChangeType::started, now, out).start = Started{
      device.info.name, run.memory_bytes + run.model_bytes, run.decision};
  Assign& assign = out.assigns.emplace_back();
  assign.token = token_of(job, run);
  assign.device = device.info.name;
  assign.spec_index = job.spec_index;
  assign.memory_bytes = run.memory_bytes + run.model_bytes;
  assign.own_bytes = run.memory_bytes;
  assign.shared = shared_of(run);
  // One that depended on others reads their results from the log.
  assign.wait_for_sync =
      job.had_dependencies || outside_effects(key_of(job).kind);
  assign.change = out.changes.size() - 1;
}

void Schedule::Impl::close_run(std::uint32_t n, Now now, Decisions& out) {
  Run& run = runs[n];
  JobSlot& job = slots[run.job];
  DeviceState& device = devices[run.device];
  TROUPE_ASSERT(device.used_bytes >= run.memory_bytes);
  TROUPE_ASSERT(run.model != 0 || device.lone > 0);
  device.used_bytes -= run.memory_bytes;
  if (run.model != 0)
    leave_model(run.model, device, now);
  else
    --device.lone;
  device.refused_until = 0;
  run.expected_ms = 0;
  charge(n, run.reserving
                ? 0
                : std::max(1.0, static_cast<double>(now.steady - run.started)));
  const bool lose = options.defects.lose_reservation && !run.reserving;
  if ((run.memory_bytes > 0 || run.model != 0) && !lose)
    out.releases.push_back(
        {token_of(job, run), device.info.name, run.memory_bytes});
  job.next = kNone;
  runs.remove(n);
}

void Schedule::Impl::take_back(std::uint32_t n, Now now, Decisions& out) {
  const std::uint32_t slot = runs[n].job;
  close_run(n, now, out);
  set_stand(slot, Stand::queued);
  lanes.enter(slot);
}

void Schedule::reserved(const Reservation& r, bool granted, Now now,
                        Decisions& out) {
  Impl& s = *impl_;
  const std::uint32_t slot = s.slots.find(r.owner.job);
  const Stand stand = slot == Impl::kNone ? Stand{} : s.slots[slot].stand;
  std::uint32_t n = Impl::kNone;
  if (stand == Stand::reserving || stand == Stand::running) {
    const std::uint32_t run = s.slots[slot].next;
    if (s.token_of(s.slots[slot], s.runs[run]) == r.owner &&
        s.devices[s.runs[run].device].info.name == r.device)
      n = run;
  }
  if (n == Impl::kNone) {  // Nobody waits for it any more.
    const auto device = s.devices.find(r.device);
    if (!granted || device == Devices::kNone) return;
    out.releases.push_back(r);
    const auto kind = slot == Impl::kNone ? 0 : s.key_of(s.slots[slot]).kind;
    return s.granted_model(r, s.devices[device], kind, now);
  }
  if (!s.runs[n].reserving) return;  // Answered twice.
  if (granted) {
    s.granted_model(r, s.devices[s.runs[n].device],
                    s.key_of(s.slots[slot]).kind, now);
    return s.start(n, now, out);
  }
  DeviceState& device = s.devices[s.runs[n].device];
  s.take_back(n, now, out);
  device.refused_until = now.steady + kRefusedPauseMs;
}

void Schedule::renew(std::span<const Token> tokens, Now now) {
  Impl& s = *impl_;
  for (const Token& token : tokens) {
    const auto n = s.current(token);
    if (!n || now.steady >= s.runs[*n].lease_until) continue;
    Run& run = s.runs[*n];
    run.lease_until = now.steady + s.options.limits.lease_ms;
    const double before = run.charged;
    s.charge(*n, static_cast<double>(now.steady - run.started));
    // Its tenant's turn comes later.
    if (run.charged > before && s.turn_at) s.turn_at = now.steady;
  }
}

void Schedule::renew_all(Now now) {
  Impl& s = *impl_;
  for (const std::uint32_t n : s.runs.all())
    if (!s.runs[n].reserving)
      s.runs[n].lease_until = now.steady + s.options.limits.lease_ms;
}

namespace {

/// What the executor said, without what it must not say.
JobEnd checked(JobEnd end, std::optional<StopReason> stopping) {
  const bool asked =
      (end.state == JobState::cancelled && stopping == StopReason::cancelled) ||
      (end.state == JobState::expired && stopping == StopReason::expired);
  if (end.state == JobState::succeeded || asked) return end;
  if (end.state == JobState::failed && end.failure) return end;
  JobEnd failed{JobState::failed, Failure{}, {}, std::move(end.artifacts)};
  failed.failure->klass = FailureClass::transient;
  failed.failure->reason = "ended_unasked";
  failed.failure->message =
      "the executor ended the attempt as " + std::string(to_string(end.state)) +
      (end.state == JobState::failed ? " without a failure"
                                     : " though nobody asked for that");
  return failed;
}

}  // namespace

Status Schedule::attempt_noted(const AttemptNote& said, Now now,
                               Decisions& out) {
  Impl& s = *impl_;
  const auto n = s.current(said.token);
  if (!n) return Error{Errc::stale, "a note of an attempt that is over"};
  s.emit(s.runs[*n].job, ChangeType::noted, now, out).note = said.note;
  Run& run = s.runs[*n];
  if (said.note.name == kEngineFullNote && !run.full_since) {
    run.full_since = now.steady;
  } else if (said.note.name == kEngineRoomNote && run.full_since) {
    const auto waited = now.steady - *std::exchange(run.full_since, {});
    run.waited += waited;
    if (run.timeout_at) *run.timeout_at += waited;
    s.runs.watch(*n);
  }
  return ok();
}

Status Schedule::attempt_ended(const Token& token, JobEnd end, Now now,
                               Decisions& out) {
  Impl& s = *impl_;
  const auto stale = [&](const std::string& why) {
    ++s.stale_ends;
    return Error{Errc::stale, "attempt " + std::to_string(token.attempt) +
                                  " (epoch " + std::to_string(token.epoch) +
                                  ") of job " + to_string(token.job) + ": " +
                                  why + "; its result is dropped"};
  };
  const auto n = s.current(token);
  if (!n) return stale("it is not the current attempt");
  const std::uint32_t slot = s.runs[*n].job;
  if (now.steady >= s.runs[*n].lease_until &&
      !s.options.defects.accept_late_attempt) {
    s.check_run(*n, now, out);
    return stale("its lease is over");
  }
  const auto stopping = s.runs[*n].stopping;
  const std::uint32_t device = s.runs[*n].device;
  const SteadyMs ran_ms = now.steady - s.runs[*n].started - s.runs[*n].waited;
  end = checked(std::move(end), stopping);
  s.close_run(*n, now, out);
  const JobSlot& job = s.slots[slot];
  if (end.state == JobState::succeeded) {
    s.durations.saw(s.key_of(job).kind, s.traits[job.traits].model_hash,
                    s.devices[device].klass, ran_ms);
    s.finish(slot, std::move(end), now, out);
  } else if (stopping && stopping != StopReason::shutdown) {
    s.finish_stopped(slot, *stopping, std::move(end), now, out);
  } else {
    if (end.failure->klass == FailureClass::resource)
      s.extra(slot).avoid_device = device;
    // Of the process behind the device: the job did not fail by itself.
    if (end.failure->reason == kDeviceLost)
      s.crashed(slot, std::move(*end.failure), now, out);
    else
      s.fail_or_retry(slot, std::move(end), now, out);
  }
  return ok();
}

void Schedule::Impl::finish_stopped(std::uint32_t slot, StopReason reason,
                                    JobEnd end, Now now, Decisions& out) {
  if (reason == StopReason::timeout) {
    if (!end.failure || end.failure->klass == FailureClass::transient)
      end.failure = Failure{FailureClass::timeout,
                            "attempt_timeout",
                            "the attempt outran its limit: give it more time, "
                            "or less to do",
                            {}};
    return fail_or_retry(slot, std::move(end), now, out);
  }
  end.state =
      reason == StopReason::expired ? JobState::expired : JobState::cancelled;
  finish(slot, std::move(end), now, out);
}

void Schedule::Impl::order_stop(std::uint32_t n, StopReason reason, Now now,
                                Decisions& out) {
  Run& run = runs[n];
  run.stopping = reason;
  run.stop_by = now.steady + options.limits.stop_grace_ms;
  runs.watch(n);
  out.stops.push_back({token_of(slots[run.job], run), reason});
}

void Schedule::Impl::lost(std::uint32_t n, std::string_view reason,
                          std::string message, Now now, Decisions& out) {
  const std::uint32_t slot = runs[n].job;
  const auto stopping = runs[n].stopping;
  close_run(n, now, out);
  JobEnd end{
      JobState::failed,
      Failure{
          FailureClass::transient, std::string{reason}, std::move(message), {}},
      {},
      {}};
  if (stopping && stopping != StopReason::shutdown)
    return finish_stopped(slot, *stopping, std::move(end), now, out);
  if (traits[slots[slot].traits].on_lost == OnLost::fail)
    return finish(slot, std::move(end), now, out);
  fail_or_retry(slot, std::move(end), now, out);
}

void Schedule::Impl::lost_with_device(std::uint32_t n, std::string_view reason,
                                      std::string message, Now now,
                                      Decisions& out) {
  const auto stopping = runs[n].stopping;
  if (stopping && stopping != StopReason::shutdown)
    return lost(n, reason, std::move(message), now, out);
  const std::uint32_t slot = runs[n].job;
  close_run(n, now, out);
  crashed(
      slot,
      {FailureClass::transient, std::string{reason}, std::move(message), {}},
      now, out);
}

void Schedule::Impl::lease_ended(std::uint32_t n, Now now, Decisions& out) {
  std::string what = "nothing was heard of the attempt for " +
                     std::to_string(options.limits.lease_ms) + " ms";
  const std::uint32_t device = runs[n].device;
  if (!is_of_worker(devices[device].info.name))
    return lost(n, kLeaseLost, std::move(what), now, out);
  extra(runs[n].job).avoid_device = device;
  lost_with_device(n, kLeaseLost,
                   what + " from device " + devices[device].info.name, now,
                   out);
}

void Schedule::Impl::check_run(std::uint32_t n, Now now, Decisions& out) {
  const Run& run = runs[n];
  const bool lease_over = now.steady >= run.lease_until;
  const bool grace_over = run.stopping && now.steady >= run.stop_by;
  if (lease_over || grace_over) {
    out.stops.push_back({token_of(slots[run.job], run), StopReason::fenced});
    if (lease_over) return lease_ended(n, now, out);
    return lost(n, kNotStopped,
                "the attempt did not end within " +
                    std::to_string(options.limits.stop_grace_ms) +
                    " ms after it was told to",
                now, out);
  }
  if (const auto limit = run.limit_at();
      !run.stopping && limit && now.steady >= *limit)
    return order_stop(n, StopReason::timeout, now, out);
  runs.watch(n);
}

// -- devices ------------------------------------------------------------------

void Schedule::device_up(const DeviceInfo& device, Now, Decisions&) {
  impl_->devices.set_up(device);
  impl_->know_batches(impl_->devices[impl_->devices.find(device.name)]);
}

void Schedule::device_down(const std::string& name, Now now, Decisions& out) {
  Impl& s = *impl_;
  const std::uint32_t device = s.devices.find(name);
  if (device == Devices::kNone || !s.devices[device].up) return;
  s.devices[device].up = false;
  for (const std::uint32_t n : s.runs.all()) {
    if (s.runs[n].device != device) continue;
    if (s.runs[n].reserving)
      s.take_back(n, now, out);
    else
      s.lost_with_device(n, kDeviceLost,
                         "device " + name + " went away during the attempt",
                         now, out);
  }
  for (const auto& drop : models_on(name)) dropped(drop, out);
}

}  // namespace troupe
