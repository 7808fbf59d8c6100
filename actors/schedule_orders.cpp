// Cancel, pause, resume and drain of Schedule.
#include "actors/schedule_impl.hpp"
#include "core/nearest.hpp"
#include "kinds/kinds.hpp"

namespace troupe {

CancelAnswer Schedule::Impl::cancel_live(std::uint32_t slot,
                                         const std::string& by, Now now,
                                         Decisions& out) {
  JobSlot& job = slots[slot];
  CancelAnswer answer;
  answer.id = job.id;
  switch (job.stand) {
    case Stand::ended:  // Says how; cancelling again changes nothing.
      break;
    case Stand::pending:
      if (!job.cancel) extra(slot).cancelled_by = by;
      job.cancel = true;
      answer.stopping = true;
      break;
    case Stand::running:
      if (!job.cancel) {
        job.cancel = true;
        note(slot, "cancel_requested", by, now, out);
        order_stop(job.next, StopReason::cancelled, now, out);
      }
      answer.stopping = true;
      break;
    default:
      if (job.stand == Stand::reserving) take_back(job.next, now, out);
      note(slot, "cancel_requested", by, now, out);
      finish(slot, {JobState::cancelled, {}, {}, {}}, now, out);
  }
  answer.state = state(job);
  return answer;
}

CancelAnswer Schedule::cancel(JobId id, const std::string& by,
                              const std::string& tenant, Now now,
                              Decisions& out) {
  Impl& s = *impl_;
  CancelAnswer answer;
  answer.id = id;
  const std::uint32_t slot = s.slots.find(id);
  if (slot == Impl::kNone) {
    answer.error = Error{Errc::not_found, "job " + to_string(id) +
                                              " is not among the live jobs"};
    return answer;
  }
  if (!tenant.empty() && s.tenants[s.key_of(s.slots[slot]).tenant] != tenant) {
    answer.error = unknown_job(id);
    return answer;
  }
  return s.cancel_live(slot, by, now, out);
}

void Schedule::Impl::apply_order(const ControlRequest& order) {
  const bool lift = order.verb == ControlVerb::resume;
  const auto set = [lift](auto& numbers, std::uint32_t n) {
    if (lift)
      numbers.erase(n);
    else
      numbers.insert(n);
  };
  if (!order.device.empty()) {
    devices[devices.number(order.device)].paused = !lift;
  } else if (!order.kind.empty()) {
    const std::uint32_t kind = kinds.number(order.kind);
    if (order.verb != ControlVerb::drain) set(paused_kinds, kind);
    if (order.verb != ControlVerb::pause) set(draining_kinds, kind);
  } else {
    if (order.verb != ControlVerb::drain) paused = !lift;
    if (order.verb != ControlVerb::pause) draining = !lift;
  }
}

void Schedule::restore_control(const ControlRequest& order) {
  impl_->apply_order(order);
}

namespace {

/// Names come from the closed sets of kinds and devices, but are quoted as if
/// they did not.
std::string quoted(const std::string& text) {
  std::string json = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') json += '\\';
    json += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return json + '"';
}

Error unknown(const std::string& what, const std::string& why) {
  return {Errc::invalid_argument, what + " " + why, {{what, why}}};
}

}  // namespace

Result<ControlReply> Schedule::control(const ControlRequest& order, Now now,
                                       Decisions& out) {
  Impl& s = *impl_;
  if (!order.kind.empty() && !order.device.empty())
    return Error{Errc::invalid_argument,
                 "give a kind or a device, not both",
                 {{"device", "not together with kind"}}};
  if (!order.kind.empty() && !s.options.kinds.empty() &&
      !find_kind(s.options.kinds, order.kind))
    return unknown("kind", unknown_kind(s.options.kinds, order.kind));
  if (!order.device.empty() && s.devices.find(order.device) == Devices::kNone) {
    std::vector<std::string> known;
    for (std::uint32_t d = 0; d < s.devices.size(); ++d)
      known.push_back(s.devices[d].info.name);
    return unknown("device",
                   "'" + order.device + "' is unknown" +
                       (known.empty() ? "; none is here yet"
                                      : known_names(order.device, known)));
  }
  s.apply_order(order);
  Change& change = out.changes.emplace_back();
  change.type = ChangeType::control;
  change.time_ms = now.wall;
  std::string data = "{}";
  if (!order.kind.empty()) data = "{\"kind\":" + quoted(order.kind) + "}";
  if (!order.device.empty()) data = "{\"device\":" + quoted(order.device) + "}";
  change.note =
      Note{std::string(to_string(order.verb)), std::move(data), order.by};
  return status();
}

ControlReply Schedule::status() const {
  const Impl& s = *impl_;
  ControlReply reply;
  reply.paused = s.paused;
  for (const std::uint32_t kind : s.paused_kinds)
    reply.paused_kinds.push_back(s.kinds[kind]);
  for (std::uint32_t d = 0; d < s.devices.size(); ++d) {
    const DeviceState& device = s.devices[d];
    if (device.paused) reply.paused_devices.push_back(device.info.name);
    if (!device.up)
      reply.down_devices.push_back(device.info.name);
    else
      reply.slots.push_back(
          {device.info.name, device.used_slots(), device.info.slots});
  }
  reply.draining = s.draining;
  for (const std::uint32_t kind : s.draining_kinds)
    reply.draining_kinds.push_back(s.kinds[kind]);
  reply.accepting = accepting();
  const ScheduleCounts c = counts();
  reply.running = c.running;
  reply.queued = c.queued;
  reply.blocked = c.blocked;
  return reply;
}

std::string Schedule::accepting() const {
  const Impl& s = *impl_;
  if (s.draining) return "no: the queue is draining";
  const ScheduleCounts c = counts();
  const std::uint64_t live = c.pending + c.blocked + c.queued + c.running;
  if (live >= s.options.limits.max_live_jobs)
    return "no: the queue is full (" + std::to_string(live) + " jobs)";
  if (s.draining_kinds.empty()) return "yes";
  std::string kinds;
  for (const std::uint32_t kind : s.draining_kinds)
    kinds += (kinds.empty() ? "" : ", ") + s.kinds[kind];
  return "yes, but not " + kinds + " (draining)";
}

}  // namespace troupe
