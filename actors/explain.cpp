// What Schedule answers to "why": from what it holds, never from guesses.
#include <algorithm>
#include <charconv>
#include <ctime>

#include "actors/retry.hpp"
#include "actors/schedule_impl.hpp"
#include "core/amounts.hpp"
#include "core/loss.hpp"

namespace troupe {
namespace {

std::string seconds(std::int64_t ms) {
  if (ms < 1'000) return std::to_string(ms) + " ms";
  if (ms < 10'000)
    return std::to_string(ms / 1'000) + "." + std::to_string(ms / 100 % 10) +
           " s";
  if (ms < 600'000) return std::to_string(ms / 1'000) + " s";
  return std::to_string(ms / 60'000) + " min";
}

std::string utc(UnixMs ms) {
  const std::time_t s = static_cast<std::time_t>(ms / 1'000);
  std::tm parts{};
  gmtime_r(&s, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

void add_number(std::string& json, const char* name, std::int64_t value) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  json += json.size() > 1 ? ",\"" : "\"";
  json += name;
  json += "\":";
  json.append(digits, end);
}

void add_text(std::string& json, const char* name, std::string_view value) {
  json += json.size() > 1 ? ",\"" : "\"";
  json += name;
  json += "\":\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') json += '\\';
    json += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  json += '"';
}

/// Of a recorded decision.
std::string why_there(const std::string& decision) {
  std::string text =
      decision.find("\"of\":") == std::string::npos
          ? "it was the only device that could take it then"
          : "of the devices that could take it then, it was the one with "
            "the earliest expected end, or the least load where that is "
            "equal";
  constexpr std::string_view kMadeRoom = "\"made_room\":\"";
  if (const auto at = decision.find(kMadeRoom); at != std::string::npos) {
    const auto from = at + kMadeRoom.size();
    text += "; to make room for it, a model that nobody used was given back: " +
            decision.substr(from, decision.find('"', from) - from);
  }
  return text;
}

/// Why a failed job that could have been repeated was not; empty: it could
/// not, or the failure says enough.
std::string why_no_more(const JobView& job) {
  if (job.state != JobState::failed || job.attempt == 0) return {};
  if (job.spec.on_lost == OnLost::fail && is_loss(job.failure->reason))
    return "on_lost is fail: it is not repeated after a lost attempt";
  const auto& retry = job.spec.retry;
  if (!may_retry(job.failure->klass, retry) || job.attempt < retry.max_attempts)
    return {};
  if (retry.max_attempts <= 1)
    return "it was given one attempt; --retries N gives more";
  return "such failures are retried; its " +
         count_of(retry.max_attempts, "attempt") + " are used up";
}

constexpr std::size_t kDecisionDevices = 3;
constexpr std::size_t kNamedJobs = 5;

}  // namespace

// -- the recorded decision ----------------------------------------------------

std::string Schedule::Impl::decision(std::uint32_t slot, std::uint32_t device,
                                     Now now) const {
  const JobSlot& job = slots[slot];
  std::string json;
  json.reserve(96);
  json = "{";
  add_number(json, "waited_ms", std::max<SteadyMs>(0, now.steady - job.since));
  const Priority klass = key_of(job).klass;
  const Priority as = effective(job, now);
  add_text(json, "class", to_string(klass));
  if (as != klass) add_text(json, "as", to_string(as));
  if (share.active().size() > 1)
    add_number(json, "tenants",
               static_cast<std::int64_t>(share.active().size()));
  const Need need = need_of(job);
  if (need.model != 0)
    add_text(json, "model",
             devices[device].resident(need.model) ? "there" : "to load");
  if (const JobExtra* x = find_extra(slot); x && !x->made_room.empty())
    add_text(json, "made_room", x->made_room);
  if (devices.size() == 1) return json + "}";
  std::string list;
  std::size_t n = 0;
  for (std::uint32_t d = 0; d < devices.size(); ++d) {
    if (!devices[d].has_slot(need) || !devices.could_take(devices[d], need) ||
        !devices.has_memory(devices[d], need, now.steady))
      continue;
    if (n++ >= kDecisionDevices && d != device) continue;
    std::string one = "{";
    add_text(one, "device", devices[d].info.name);
    if (const auto ms = expected_ms(job, devices[d]))
      add_number(one, "ms", static_cast<std::int64_t>(*ms));
    list += (list.empty() ? "" : ",") + one + "}";
  }
  if (n > 1) json += ",\"of\":[" + list + "]";
  return json + "}";
}

// -- why it waits -------------------------------------------------------------

void Schedule::Impl::explain_queue(std::uint32_t slot, Now now,
                                   ExplainReply& reply) const {
  const JobSlot& job = slots[slot];
  const Lane& lane = lanes[job.lane];
  const Need need = need_of(job);
  auto& say = reply.sentences;
  std::string json = "{";
  const Priority as = effective(job, now);
  const SteadyMs waited = std::max<SteadyMs>(0, now.steady - job.since);
  std::string stands = "it stands in class ";
  stands += to_string(lane.key.klass);
  if (as != lane.key.klass)
    stands += ", counted as " + std::string(to_string(as)) + " for its age";
  say.push_back(stands + ", and has waited " + seconds(waited));
  add_text(json, "class", to_string(lane.key.klass));
  if (as != lane.key.klass) add_text(json, "as", to_string(as));
  add_number(json, "waited_ms", waited);

  reply.ahead = count_ahead(slot, now);
  add_number(json, "ahead", static_cast<std::int64_t>(reply.ahead));
  const bool stopped = paused || lane_paused(lane);
  if (paused) say.push_back("the queue is paused: nothing starts");
  if (lane_paused(lane))
    say.push_back("kind " + kinds[need.kind] + " is paused");
  const std::string lack = why_no_device(job, now);
  if (!lack.empty()) say.push_back(lack);
  say.push_back(reply.ahead == 0
                    ? "nothing is ahead of it in the queue"
                    : count_of(reply.ahead, "job") + " ahead of it");
  if (auto pass = who_may_pass(slot, now); !stopped && !pass.empty())
    say.push_back(std::move(pass));
  for (std::uint32_t d = 0; d < holds.size(); ++d)
    if (holds[d].slot != kNone && devices.could_take(devices[d], need))
      say.push_back(holds[d].slot == slot
                        ? "device " + devices[d].info.name +
                              " is held for it until it fits"
                        : "device " + devices[d].info.name +
                              " is held for job " +
                              to_string(slots[holds[d].slot].id) +
                              ", which waits for room");
  add_text(json, "reason",
           stopped         ? "paused"
           : !lack.empty() ? "no_room"
                           : "ahead");
  reply.data = json + "}";

  const auto mean = durations.mean_ms(need.kind);
  // Turns are counted in slots: when memory comes back they do not tell.
  if (stopped || !mean || devices.lacks_memory(need, now.steady)) return;
  const auto wait = expected_wait_ms(slot, reply.ahead, *mean, now);
  if (!wait) return;
  if (*wait > 0 && is_behind_overdue(slot, now)) {
    say.push_back(
        "what runs there takes longer than usual: nothing is known of when its "
        "turn comes");
    return;
  }
  reply.expected_start_ms = now.wall + *wait;
  reply.expected_end_ms = *reply.expected_start_ms + static_cast<UnixMs>(*mean);
  say.push_back("expected to start in about " + seconds(*wait) +
                " and to take about " +
                seconds(static_cast<std::int64_t>(*mean)));
}

void Schedule::Impl::explain_wait(std::uint32_t slot, Now now,
                                  ExplainReply& reply) const {
  const JobSlot& job = slots[slot];
  auto& say = reply.sentences;
  if (job.stand == Stand::pending) {
    say.push_back("its submission is being written to the log");
    reply.data = "{\"reason\":\"pending\"}";
  } else if (job.stand == Stand::blocked) {
    const auto on = dependencies.of(job.id);
    std::string text = "it waits for " + count_of(on.size(), "job") + ": ";
    for (std::size_t i = 0; i < on.size() && i < kNamedJobs; ++i) {
      const std::uint32_t other = slots.find(on[i]);
      text += (i ? ", " : "") + to_string(on[i]) + " (" +
              std::string(other == kNone ? "unknown"
                                         : to_string(state(slots[other]))) +
              ")";
    }
    say.push_back(text + (on.size() > kNamedJobs ? ", ..." : ""));
    reply.data = "{\"reason\":\"dependencies\",\"waits_for\":" +
                 std::to_string(on.size());
    if (const JobExtra* x = find_extra(slot);
        x && x->not_before && *x->not_before > now.wall) {
      say.push_back("and it may not start before " + utc(*x->not_before) +
                    " (in " + seconds(*x->not_before - now.wall) + ")");
      reply.data += ",\"not_before_ms\":" + std::to_string(*x->not_before);
    }
    reply.data += "}";
  } else if (job.stand == Stand::delayed) {
    const JobExtra* x = find_extra(slot);
    const bool asked = x->not_before && *x->not_before > now.wall;
    const std::int64_t wait =
        asked ? *x->not_before - now.wall
              : std::max<std::int64_t>(0, x->ready_at - now.steady);
    reply.expected_start_ms = now.wall + wait;
    say.push_back((asked ? "not before " + utc(now.wall + wait)
                         : "attempt " + std::to_string(job.attempt) +
                               " failed; the next may start at " +
                               utc(now.wall + wait)) +
                  " (in " + seconds(wait) + ")");
    reply.data =
        asked ? "{\"reason\":\"not_before\"}" : "{\"reason\":\"back_off\"}";
  }
}

void Schedule::Impl::explain_run(std::uint32_t slot, Now now,
                                 ExplainReply& reply) const {
  const JobSlot& job = slots[slot];
  const Run& run = runs[job.next];
  const DeviceState& device = devices[run.device];
  auto& say = reply.sentences;
  reply.data = run.decision;
  if (run.reserving) {
    say.push_back("memory for it is being reserved on " + device.info.name);
    return;
  }
  const SteadyMs ran = std::max<SteadyMs>(0, now.steady - run.started);
  say.push_back("attempt " + std::to_string(job.attempt) + " runs on " +
                device.info.name + " for " + seconds(ran));
  if (run.full_since)
    say.push_back("for the last " + seconds(now.steady - *run.full_since) +
                  " it waits in its engine until a run of the same model ends: "
                  "those there leave it no room; its time limit does not "
                  "count that");
  const auto* r = device.resident(run.model);
  std::string holds_text =
      r && r->users > 1 && r->batch > 1
          ? "it shares " + count_of(r->slots(), "slot") + " with " +
                count_of(r->users - 1, "other") + " of its model, which " +
                "computes " + std::to_string(r->batch) + " at once"
          : "it holds a slot";
  if (run.memory_bytes > 0)
    holds_text += " and " + bytes_text(run.memory_bytes) + " of memory";
  say.push_back(holds_text + " there");
  if (r)
    say.push_back("it uses model " + models[r->model] + " there (" +
                  bytes_text(r->bytes) +
                  (r->users == 1 ? ")"
                                 : ", shared with " +
                                       count_of(r->users - 1, "other") + ")"));
  say.push_back(why_there(run.decision));
  if (run.stopping)
    say.push_back("it was told to stop: " +
                  std::string(to_string(*run.stopping)));
  if (const auto mean = expected_ms(job, device); mean && !run.full_since) {
    const auto left = static_cast<std::int64_t>(*mean) - ran + run.waited;
    if (left > 0) reply.expected_end_ms = now.wall + left;
    say.push_back(left > 0 ? "expected to end in about " + seconds(left)
                           : "it takes longer than the usual " +
                                 seconds(static_cast<std::int64_t>(*mean)));
  }
}

Result<ExplainReply> Schedule::explain(const ExplainRequest& request,
                                       Now now) const {
  const Impl& s = *impl_;
  const std::uint32_t slot = s.slots.find(request.job);
  if (slot == Impl::kNone)
    return Error{Errc::not_found, "job " + to_string(request.job) +
                                      " is not among the live jobs"};
  const JobSlot& job = s.slots[slot];
  if (!request.tenant.empty() &&
      s.tenants[s.key_of(job).tenant] != request.tenant)
    return unknown_job(request.job);
  ExplainReply reply;
  reply.job = request.job;
  reply.state = s.state(job);
  switch (job.stand) {
    case Stand::queued:
      s.explain_queue(slot, now, reply);
      break;
    case Stand::reserving:
    case Stand::running:
      s.explain_run(slot, now, reply);
      break;
    case Stand::ended:
      reply.sentences.push_back("it " + std::string(to_string(job.end)) +
                                "; that is being written to the log");
      reply.data = "{\"reason\":\"ended\"}";
      break;
    default:
      s.explain_wait(slot, now, reply);
  }
  if (const JobExtra* x = s.find_extra(slot); x && x->deadline)
    reply.sentences.push_back("its deadline is " + utc(*x->deadline));
  return reply;
}

ExplainReply explain_ended(const JobView& job, const std::string& decision) {
  ExplainReply reply;
  reply.job = job.spec.id;
  reply.state = job.state;
  std::string text = job.state == JobState::cancelled
                         ? "it was cancelled"
                         : "it " + std::string(to_string(job.state));
  if (job.ended_ms) text += " at " + utc(*job.ended_ms);
  if (job.attempt == 0)
    text += " without an attempt";
  else
    text += " after " + count_of(job.attempt, "attempt") +
            (job.device.empty() ? "" : ", the last on " + job.device);
  reply.sentences.push_back(std::move(text));
  if (job.failure) {
    reply.sentences.push_back(std::string(to_string(job.failure->klass)) +
                              " failure, " + job.failure->reason + ": " +
                              job.failure->message);
    if (auto why = why_no_more(job); !why.empty())
      reply.sentences.push_back(std::move(why));
  }
  reply.data = "{\"reason\":\"ended\"";
  if (!decision.empty()) {
    reply.sentences.push_back(why_there(decision));
    reply.data += ",\"decision\":" + decision;
  }
  reply.data += "}";
  return reply;
}

}  // namespace troupe
