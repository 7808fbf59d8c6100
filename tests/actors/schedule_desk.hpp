// A Schedule with everything around it that the node would have: a log that
// checks each change, a ledger, executors that do what the test says.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "actors/ledger.hpp"
#include "actors/restore.hpp"
#include "actors/schedule.hpp"

namespace troupe {

constexpr std::uint64_t kGiB = 1ull << 30;

inline DeviceInfo device(std::string name, std::uint32_t slots = 1,
                         std::uint64_t bytes = 16 * kGiB,
                         std::vector<std::string> kinds = {"work"}) {
  return {name, "class-" + name, bytes, slots, std::move(kinds)};
}

inline JobEnd succeeded() {
  return {JobState::succeeded, {}, "{}", {}};
}
inline JobEnd failed(FailureClass klass) {
  return {
      JobState::failed, Failure{klass, "a_reason", "a message", {}}, {}, {}};
}

class Desk : public PastJobs {
 public:
  explicit Desk(ScheduleOptions o = {}) : options{std::move(o)} {
    options.epoch = 1;
    reopen_schedule();
  }

  // -- the test's verbs -------------------------------------------------------

  /// With a new id; of kind "work", tenant "t", no memory, unless said.
  JobSpec spec() {
    JobSpec s;
    s.id = {7, ++last_id};
    s.kind = "work";
    s.tenant = "t";
    s.params = "{}";
    s.submitted_ms = now.wall;
    s.retry.backoff_ms = 1'000;
    return s;
  }
  /// Accepted and committed; or the test fails.
  JobId submit(JobSpec s, ModelUse use = {}) {
    const JobId id = s.id;
    const auto outcome = offer(std::move(s), std::move(use));
    EXPECT_FALSE(outcome.answer.error) << outcome.answer.error->message;
    return id;
  }
  JobId submit() { return submit(spec()); }
  /// Submits and commits what was accepted.
  SubmitOutcome offer(JobSpec s, ModelUse use = {}) {
    Decisions out;
    uses[s.id] = use;
    auto outcome = schedule->submit(std::move(s), now, out, std::move(use));
    absorb(out);
    return outcome;
  }
  void up(const DeviceInfo& info) {
    ledger.set_device(info.name, info.memory_bytes);
    act([&](Decisions& out) { schedule->device_up(info, now, out); });
  }
  void down(const std::string& name) {
    act([&](Decisions& out) { schedule->device_down(name, now, out); });
  }
  /// Plans until nothing more starts; the jobs that did, in order.
  std::vector<JobId> plan() {
    const std::size_t from = starts.size();
    act([&](Decisions& out) { schedule->plan(now, out); });
    return {starts.begin() + static_cast<std::ptrdiff_t>(from), starts.end()};
  }
  void advance(SteadyMs ms) {
    now.wall += ms;
    now.steady += ms;
    act([&](Decisions& out) { schedule->tick(now, out); });
  }
  /// Sleeps to where the schedule wants to be woken, and plans; the jobs that
  /// start then. False: it wants no wake.
  bool wake() {
    const auto due = schedule->next_wake(now);
    if (!due) return false;
    advance(std::max<SteadyMs>(*due - now.steady, 1));
    plan();
    return true;
  }
  Status end(const Token& token, JobEnd e) {
    Status status = ok();
    act([&](Decisions& out) {
      status = schedule->attempt_ended(token, std::move(e), now, out);
    });
    return status;
  }
  Status note(const Token& token, const std::string& name) {
    Status status = ok();
    act([&](Decisions& out) {
      status = schedule->attempt_noted({token, {name, "{}", ""}}, now, out);
    });
    return status;
  }
  /// Of its newest attempt.
  Status end(JobId id, JobEnd e) { return end(tokens.at(id), std::move(e)); }
  void succeed(JobId id) { EXPECT_TRUE(end(id, succeeded())); }
  void fail(JobId id, FailureClass klass) {
    EXPECT_TRUE(end(id, failed(klass)));
  }
  void renew(JobId id) {
    const Token token = tokens.at(id);
    schedule->renew({&token, 1}, now);
  }
  CancelAnswer cancel(JobId id) {
    CancelAnswer answer;
    act([&](Decisions& out) {
      answer = schedule->cancel(id, "anna", "", now, out);
    });
    return answer;
  }
  Status order(ControlVerb verb, std::string kind = "", std::string dev = "") {
    Status status = ok();
    act([&](Decisions& out) {
      const auto reply = schedule->control({verb, kind, dev, "anna"}, now, out);
      if (!reply) status = reply.error();
    });
    return status;
  }
  std::string why(JobId id) {
    const auto reply = schedule->explain({id, ""}, now);
    if (!reply) return reply.error().message;
    std::string text;
    for (const auto& sentence : reply->sentences) text += sentence + "\n";
    return text;
  }

  /// As after kill -9: a new epoch, and only the log is left.
  void crash() {
    ++options.epoch;
    restart();
    ledger = Ledger{};
  }
  /// Only the scheduler starts anew.
  void restart() {
    reopen_schedule();
    std::map<std::uint64_t, JobId> in_order;
    for (const auto& [id, s] : jobs)
      if (!is_terminal(s.state)) in_order[s.spec_index] = id;
    Decisions out;
    for (const auto& [index, id] : in_order) {
      RestoredJob r;
      r.spec = specs.at(id);
      r.summary = jobs.at(id);
      r.queued_ms = queued_ms.at(id);
      // As the shell reads it: what only waits has no content.
      if (r.summary.state == JobState::queued && r.summary.attempt == 0) {
        r.whole_spec = false;
        r.spec.params.clear();
        r.spec.tags.clear();
      }
      if (r.summary.state == JobState::running) {
        r.start = started.at(id);
        r.start_epoch = tokens.at(id).epoch;
        r.start_time_ms = started_ms.at(id);
        for (const auto& note : notes[id]) take_note(note, r);
      }
      schedule->restore(r, now, out, uses[id]);
    }
    absorb(out);
  }

  /// With hold_submits: the oldest submit that is not yet on the log.
  void commit_next() {
    const Change c = held.front();
    held.pop_front();
    act([&](Decisions& out) { write(c, out); });
  }
  void refuse_next() {
    const Change c = held.front();
    held.pop_front();
    act([&](Decisions& out) { schedule->submit_refused(c.job, now, out); });
  }

  /// The devices gave back what they were told to.
  void answer_drops() {
    for (const auto& drop : std::exchange(drops, {}))
      act([&](Decisions& out) { schedule->dropped(drop, out); });
  }

  // -- what the log says ------------------------------------------------------

  JobState state(JobId id) const { return jobs.at(id).state; }
  const JobEnd& end_of(JobId id) const { return ends.at(id); }
  FailureClass failure_of(JobId id) const { return ends.at(id).failure->klass; }
  bool told_to_stop(JobId id, StopReason reason) const {
    for (const StopOrder& stop : stops)
      if (stop.token.job == id && stop.reason == reason) return true;
    return false;
  }
  std::uint64_t reserved_bytes() const {
    std::uint64_t sum = 0;
    for (const auto& report : ledger.report()) sum += report.reserved_bytes;
    return sum;
  }

  Result<PastJob> find(JobId id) override {
    if (forgotten.contains(id)) return Error{Errc::forgotten, "removed"};
    const auto at = past.find(id);
    if (at != past.end()) return at->second;
    if (!jobs.contains(id)) return Error{Errc::not_found, "never heard of it"};
    return PastJob{state(id), content_hash(specs.at(id)), specs.at(id).tenant};
  }

  template <class Call>
  void act(Call call) {
    Decisions out;
    call(out);
    absorb(out);
  }

  /// Does what the shell does: log, ledger, executors; everything at once.
  void absorb(Decisions& out) {
    while (!out.empty()) {
      Decisions next;
      for (const Change& c : out.changes) log(c, next);
      for (const Assign& a : out.assigns) {
        starts.push_back(a.token.job);
        tokens[a.token.job] = a.token;
        where[a.token.job] = a.device;
        waits_for_sync[a.token.job] = a.wait_for_sync;
        EXPECT_EQ(out.changes[a.change].job, a.token.job);
        EXPECT_EQ(jobs.at(a.token.job).spec_index, a.spec_index);
      }
      for (const StopOrder& s : out.stops) stops.push_back(s);
      for (const Reservation& r : out.releases)
        ledger.release(r.owner, r.device);
      for (const ModelDrop& g : out.gone) ledger.drop(g.device, g.model);
      for (const ModelDrop& d : out.drops) drops.push_back(d);
      for (const Reservation& r : out.reserves)
        schedule->reserved(r, static_cast<bool>(ledger.reserve(r)), now, next);
      out = std::move(next);
    }
  }

  void log(const Change& c, Decisions& next) {
    if (c.type == ChangeType::submitted && hold_submits)
      return held.push_back(c);
    write(c, next);
  }

  void write(const Change& c, Decisions& next) {
    ++last_index;
    if (c.type == ChangeType::control) return;
    const Status legal = apply(jobs[c.job], {last_index, options.epoch, c});
    if (!legal) faults.push_back(legal.error().message);
    EXPECT_TRUE(legal || !strict) << legal.error().message;
    if (c.type == ChangeType::submitted) {
      specs[c.job] = *c.spec;
      schedule->submit_committed(c.job, last_index, now, next);
    }
    const auto after = state_after(c);
    if (after == JobState::queued) queued_ms[c.job] = c.time_ms;
    if (c.type == ChangeType::submitted) queued_ms[c.job] = c.time_ms;
    if (c.type == ChangeType::started) {
      started[c.job] = *c.start;
      started_ms[c.job] = c.time_ms;
      notes.erase(c.job);
    }
    if (c.type == ChangeType::noted) notes[c.job].push_back(c);
    if (c.type == ChangeType::requeued) requeues[c.job] = *c.requeue;
    if (c.type == ChangeType::ended) {
      ends[c.job] = *c.end;
      past[c.job] = {c.end->state, content_hash(specs.at(c.job)),
                     specs.at(c.job).tenant};
      schedule->end_committed(c.job);
    }
  }

  ScheduleOptions options;
  Now now{1'700'000'000'000, 5'000};
  std::unique_ptr<Random> random = seeded_random(1);
  std::unique_ptr<Schedule> schedule;
  Ledger ledger;
  std::uint64_t last_id = 0;
  std::uint64_t last_index = 0;
  std::map<JobId, JobSummary> jobs;
  std::map<JobId, JobSpec> specs;
  std::map<JobId, ModelUse> uses;
  std::map<JobId, Started> started;
  std::map<JobId, UnixMs> started_ms;
  std::map<JobId, UnixMs> queued_ms;
  std::map<JobId, Requeued> requeues;
  std::map<JobId, JobEnd> ends;
  std::map<JobId, PastJob> past;
  std::set<JobId> forgotten;
  std::map<JobId, std::vector<Change>> notes;  // Since its newest start.
  std::vector<JobId> starts;
  std::map<JobId, Token> tokens;
  std::map<JobId, std::string> where;
  std::map<JobId, bool> waits_for_sync;
  std::vector<StopOrder> stops;
  std::vector<ModelDrop> drops;  // Not answered yet.
  bool hold_submits = false;
  std::deque<Change> held;
  bool strict = true;  // An illegal change fails the test at once.
  std::vector<std::string> faults;

 private:
  void reopen_schedule() {
    held.clear();  // What was not on the log never was.
    schedule = std::make_unique<Schedule>(options, *random, *this);
  }
};

/// A desk with one device, and jobs that run there.
class DeskTest : public ::testing::Test {
 protected:
  DeskTest() { desk.up(device("cpu", 2)); }
  JobId running(JobSpec s) {
    const JobId id = desk.submit(std::move(s));
    EXPECT_EQ(desk.plan(), std::vector{id});
    return id;
  }
  JobId running() { return running(desk.spec()); }
  JobSpec big() {
    JobSpec s = desk.spec();
    s.memory_bytes = kGiB;
    return s;
  }
  Desk desk;
  const SteadyMs lease = SchedulerLimits{}.lease_ms;
};

}  // namespace troupe
