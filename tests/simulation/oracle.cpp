#include "tests/simulation/oracle.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "codec/json.hpp"
#include "core/api.hpp"

namespace troupe::simulation {

namespace {

/// The table of the architecture page, written down a second time.
bool is_legal(JobState from, JobState to) {
  using S = JobState;
  static constexpr std::pair<S, S> kMoves[] = {
      {S::blocked, S::queued},    {S::blocked, S::failed},
      {S::blocked, S::cancelled}, {S::blocked, S::expired},
      {S::queued, S::running},    {S::queued, S::failed},
      {S::queued, S::cancelled},  {S::queued, S::expired},
      {S::running, S::queued},    {S::running, S::succeeded},
      {S::running, S::failed},    {S::running, S::cancelled},
      {S::running, S::expired},
  };
  return std::ranges::find(kMoves, std::pair{from, to}) != std::end(kMoves);
}

bool has_ended(JobState state) {
  return state != JobState::blocked && state != JobState::queued &&
         state != JobState::running;
}

void print(const LogEntry& entry) {
  const Change& c = entry.change;
  std::string more;
  if (c.spec) {
    more = c.spec->kind + " of " + c.spec->tenant + " " +
           std::string(to_string(c.spec->priority)) + " " +
           std::to_string(c.spec->memory_bytes >> 20) + " MiB";
    if (!c.spec->device.empty()) more += " on " + c.spec->device;
    for (const JobId& id : c.spec->depends_on)
      more += " after " + to_string(id);
  }
  if (c.start) more = c.start->device;
  if (c.requeue) more = c.requeue->failure.reason;
  if (c.end) more = std::string(to_string(c.end->state));
  if (c.end && c.end->failure) more += ": " + c.end->failure->reason;
  if (c.note) more = c.note->name + " " + c.note->data;
  std::printf("%6llu at %lld %s %s #%u attempt %u %s\n",
              static_cast<unsigned long long>(entry.index),
              static_cast<long long>(c.time_ms), to_string(c.job).c_str(),
              std::string(to_string(c.type)).c_str(), c.seq, c.attempt,
              more.c_str());
}

}  // namespace

std::string work_result(const Token& token) {
  return R"({"text":")" + to_string(token.job) + "/" +
         std::to_string(token.epoch) + "/" + std::to_string(token.attempt) +
         R"("})";
}

Oracle::Oracle(OracleOptions options) : options_{std::move(options)} {}

void Oracle::violation(std::string what) {
  violations_.push_back(std::move(what));
}

const Oracle::Job* Oracle::find(JobId id) const {
  const auto it = jobs_.find(id);
  return it == jobs_.end() ? nullptr : &it->second;
}

std::size_t Oracle::live() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      jobs_, [](const auto& job) { return !has_ended(job.second.state); }));
}

const SharedModel* Oracle::model(const std::string& name) const {
  for (const auto& shared : options_.models)
    if (shared.name == name) return &shared;
  return nullptr;
}

const DeviceInfo* Oracle::device(const std::string& name) const {
  const auto it = std::ranges::find(options_.devices, name, &DeviceInfo::name);
  return it == options_.devices.end() ? nullptr : &*it;
}

// -- what clients were told ---------------------------------------------------

void Oracle::told_accepted(JobId id) {
  accepted_.insert(id);
}

void Oracle::told_state(JobId id, JobState state) {
  if (!has_ended(state)) return;
  const auto [it, fresh] = told_terminal_.emplace(id, state);
  if (!fresh && it->second != state)
    violation(name_of(id) + " was told as " +
              std::string(to_string(it->second)) + " and then as " +
              std::string(to_string(state)));
}

// -- what the follower saw ----------------------------------------------------

void Oracle::was_shown(const LogEntry& entry) {
  const auto it = hash_at_.find(entry.index);
  if (it != hash_at_.end() && it->second != hash_of(entry))
    violation("entry " + std::to_string(entry.index) +
              " is another one than before");
}

void Oracle::saw(const LogEntry& entry) {
  if (entry.index <= last_index_) return was_shown(entry);
  if (entry.index != last_index_ + 1)
    violation("events jump from " + std::to_string(last_index_) + " to " +
              std::to_string(entry.index));
  if (options_.print) print(entry);
  last_index_ = entry.index;
  hash_at_[entry.index] = hash_of(entry);
  hash_.add(entry);
  apply(entry);
}

void Oracle::apply(const LogEntry& entry) {
  const Change& c = entry.change;
  // An order, or a new life of the node, may keep it from starting.
  if (c.type == ChangeType::opened || c.type == ChangeType::control)
    overtaken_.clear();
  check_overtaken(c.time_ms);
  if (c.type == ChangeType::opened) {
    if (entry.epoch <= epoch_) violation("the epoch was not raised");
    epoch_ = entry.epoch;
    return;
  }
  if (entry.epoch != epoch_)
    violation("entry " + std::to_string(entry.index) + " of epoch " +
              std::to_string(entry.epoch) + " in epoch " +
              std::to_string(epoch_));
  if (c.type == ChangeType::control) return on_control(c);
  if (c.type == ChangeType::forgotten) return;
  if (c.type == ChangeType::submitted) return on_submitted(entry);
  const auto it = jobs_.find(c.job);
  if (it == jobs_.end())
    return violation(name_of(c.job) + " has an event but was never submitted");
  Job& job = it->second;
  if (c.seq != job.seq + 1)
    violation(name_of(c.job) + " jumps from event " + std::to_string(job.seq) +
              " to " + std::to_string(c.seq));
  job.seq = c.seq;
  switch (c.type) {
    case ChangeType::unblocked:
      return move(job, entry, JobState::queued);
    case ChangeType::started:
      return on_started(job, entry);
    case ChangeType::requeued:
      job.not_before_ms = c.requeue->not_before_ms;
      on_failure(c.requeue->failure);
      return move(job, entry, JobState::queued);
    case ChangeType::ended:
      return on_ended(job, entry);
    default:
      return;
  }
}

void Oracle::move(Job& job, const LogEntry& entry, JobState to) {
  const std::string step =
      std::string(to_string(job.state)) + ">" + std::string(to_string(to));
  if (!is_legal(job.state, to))
    violation(name_of(entry.change.job) + " made the illegal move " + step);
  moves_.insert(step);
  std::erase_if(overtaken_,
                [&](const auto& o) { return o.id == entry.change.job; });
  job.state = to;
  if (to != JobState::queued) return;
  job.queued_ms = entry.change.time_ms;
}

void Oracle::on_submitted(const LogEntry& entry) {
  const Change& c = entry.change;
  Job job;
  job.spec = *c.spec;
  job.seq = c.seq;
  job.index = entry.index;
  job.queued_ms = c.time_ms;
  job.state = c.spec->depends_on.empty() ? JobState::queued : JobState::blocked;
  if (c.seq != 1)
    violation(name_of(c.job) + " begins with another event than 1");
  if (!jobs_.emplace(c.job, std::move(job)).second)
    violation(name_of(c.job) + " was submitted twice");
}

void Oracle::on_started(Job& job, const LogEntry& entry) {
  const Change& c = entry.change;
  check_start_is_due(job, entry);
  if (c.attempt != job.attempt + 1)
    violation(name_of(c.job) + " goes from attempt " +
              std::to_string(job.attempt) + " to " + std::to_string(c.attempt));
  check_turn(job, entry);
  move(job, entry, JobState::running);
  job.attempt = c.attempt;
  job.attempt_epoch = entry.epoch;
  job.device = c.start->device;
  job.bytes = c.start->memory_bytes;
  if (const auto* shared = model(job.spec.model);
      shared && job.bytes != job.spec.memory_bytes + shared->bytes)
    violation(name_of(c.job) + " reserved " + std::to_string(job.bytes) +
              " bytes; it asks for " + std::to_string(job.spec.memory_bytes) +
              " and its model takes " + std::to_string(shared->bytes));
  check_room(job.device, entry.index);
}

void Oracle::check_start_is_due(const Job& job, const LogEntry& entry) {
  const Change& c = entry.change;
  for (const JobId& before : job.spec.depends_on) {
    const Job* other = find(before);
    if (other == nullptr || other->state != JobState::succeeded)
      violation(name_of(c.job) + " started before " + name_of(before) +
                " had succeeded");
  }
  if (c.time_ms < job.spec.not_before_ms.value_or(0) ||
      c.time_ms < job.not_before_ms)
    violation(name_of(c.job) + " started before its time");
  if (job.spec.deadline_ms && c.time_ms > *job.spec.deadline_ms)
    violation(name_of(c.job) + " started after its deadline");
  if (is_paused(job, entry))
    violation(name_of(c.job) + " started while its queue was paused");
  if (!job.spec.device.empty() && job.spec.device != c.start->device)
    violation(name_of(c.job) + " started on another device than it asked for");
}

void Oracle::check_room(const std::string& where, std::uint64_t index) {
  const DeviceInfo* info = device(where);
  if (info == nullptr)
    return violation("a job started on the unknown device " + where);
  std::uint64_t bytes = 0;
  std::uint32_t running = 0;
  std::uint32_t slots = 0;
  std::map<std::string, std::uint32_t> batches;  // Begun ones, their users.
  for (const auto& [id, job] : jobs_) {
    if (job.state != JobState::running || job.device != where) continue;
    ++running;
    bytes += job.bytes;
    const auto* shared = model(job.spec.model);
    if (shared == nullptr) {
      ++slots;
      continue;
    }
    auto& users = batches[job.spec.model];
    if (users > 0) bytes -= shared->bytes;  // Counted with the first.
    if (users++ % shared->batch == 0) ++slots;
  }
  if (bytes > info->memory_bytes)
    violation("at entry " + std::to_string(index) + " attempts hold " +
              std::to_string(bytes) + " bytes of " + where + ", which has " +
              std::to_string(info->memory_bytes));
  if (slots > info->slots)
    violation("at entry " + std::to_string(index) + " " + where + " runs " +
              std::to_string(running) + " attempts, which take " +
              std::to_string(slots) + " of " + std::to_string(info->slots) +
              " slots");
}

void Oracle::on_ended(Job& job, const LogEntry& entry) {
  const Change& c = entry.change;
  const Token token{job.attempt_epoch, c.job, job.attempt};
  if (++job.ends > 1) violation(name_of(c.job) + " has two visible results");
  if (c.end->state == JobState::succeeded && c.attempt != job.attempt)
    violation(name_of(c.job) + " ended by attempt " +
              std::to_string(c.attempt) + " while " +
              std::to_string(job.attempt) + " was current");
  if (c.end->state == JobState::succeeded &&
      c.end->result != work_result(token))
    violation(name_of(c.job) + " shows the result of a late attempt: " +
              c.end->result + " instead of " + work_result(token));
  if (c.end->state == JobState::failed && !c.end->failure)
    violation(name_of(c.job) + " failed without a reason");
  if (c.end->failure) on_failure(*c.end->failure);
  move(job, entry, c.end->state);
  job.end_index = entry.index;
}

void Oracle::on_failure(const Failure& failure) {
  classes_.insert(failure.klass);
  devices_lost_ += failure.reason == to_string(Errc::device_lost);
}

void Oracle::on_control(const Change& change) {
  const auto data = parse_json(change.note->data);
  const auto parsed = data ? from_json<ControlRequest>(*data)
                           : Result<ControlRequest>{data.error()};
  if (!parsed)
    return violation("an audit record that nobody can read: " +
                     change.note->data);
  const ControlRequest& order = *parsed;
  const bool pause = change.note->name != "resume";
  // A drain of a kind or of all refuses submits; what is here runs on.
  if (change.note->name == "drain" && order.device.empty()) return;
  const auto set = [&](std::map<std::string, UnixMs>& names,
                       const std::string& x) {
    if (pause)
      names.emplace(x, change.time_ms);
    else
      names.erase(x);
  };
  if (!order.kind.empty()) return set(paused_kinds_, order.kind);
  if (!order.device.empty()) return set(paused_devices_, order.device);
  if (!pause)
    paused_.reset();
  else if (!paused_)
    paused_ = change.time_ms;
}

bool Oracle::is_paused(const Job& job, const LogEntry& start) const {
  // A memory reservation may have been on its way when the order came.
  const auto since = start.change.time_ms - options_.slack_ms;
  const auto holds = [since](const auto& names, const std::string& x) {
    const auto it = names.find(x);
    return it != names.end() && it->second < since;
  };
  return (paused_ && *paused_ < since) || holds(paused_kinds_, job.spec.kind) ||
         holds(paused_devices_, start.change.start->device);
}

// -- checks -------------------------------------------------------------------

void Oracle::check_settled() {
  for (const JobId& id : accepted_)
    if (!jobs_.contains(id))
      violation(name_of(id) + " was accepted and is lost");
  for (const auto& [id, state] : told_terminal_) {
    const Job* job = find(id);
    if (job == nullptr || job->state != state)
      violation(name_of(id) + " was told as " + std::string(to_string(state)) +
                ", but the log does not say so");
  }
}

void Oracle::check_finished() {
  check_settled();
  for (const auto& [id, job] : jobs_)
    if (!has_ended(job.state))
      violation(name_of(id) + " is still " + std::string(to_string(job.state)));
}

void Oracle::check_ledger(const LedgerReport& report) {
  const DeviceInfo* info = device(report.device);
  if (info == nullptr)
    return violation("a ledger of the unknown device " + report.device);
  std::uint64_t sum = 0;
  for (const Reservation& r : report.reservations) sum += r.bytes;
  for (const ResidentPart& part : report.parts) sum += part.bytes;
  if (report.total_bytes != info->memory_bytes)
    violation("the ledger of " + report.device + " has another budget");
  if (sum != report.reserved_bytes || sum > info->memory_bytes)
    violation("the ledger of " + report.device + " says " +
              std::to_string(report.reserved_bytes) + ", its owners hold " +
              std::to_string(sum) + " of " +
              std::to_string(info->memory_bytes) + " bytes");
}

}  // namespace troupe::simulation
