// The scheduler's rules once more, in the plainest way: a map of jobs, looked
// through from end to end for every question. It predicts the state of every
// job after every command and judges every start.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/schedule.hpp"

namespace troupe {

struct PlainJob {
  JobSpec spec;
  JobState state = JobState::queued;
  std::uint64_t index = 0;
  std::uint32_t attempt = 0;
  std::uint32_t failures = 0;
  std::uint32_t crashes = 0;
  SteadyMs queued_at = 0;
  SteadyMs ready_at = 0;
  // While it runs.
  std::string device;
  SteadyMs lease_until = 0;
  std::optional<StopReason> stop;
  SteadyMs stop_by = 0;
};

class PlainQueue {
 public:
  SchedulerLimits limits;
  std::map<JobId, PlainJob> jobs;  // Committed ones.
  std::map<std::string, DeviceInfo> devices;
  std::set<std::string> up;
  std::set<std::string> paused_devices;
  std::set<std::string> paused_kinds;
  bool paused = false;
  Now now;

  void commit(const JobSpec& spec, std::uint64_t index) {
    PlainJob& job = jobs[spec.id];
    job.spec = spec;
    job.index = index;
    job.state = spec.depends_on.empty() ? JobState::queued : JobState::blocked;
    job.queued_at = now.steady - (now.wall - spec.submitted_ms);
    settle_dependents();
  }

  void cancel(JobId id) {
    PlainJob& job = jobs.at(id);
    if (is_terminal(job.state)) return;
    if (job.state == JobState::running) {
      if (job.stop == StopReason::cancelled) return;
      job.stop = StopReason::cancelled;
      job.stop_by = now.steady + limits.stop_grace_ms;
    } else {
      job.state = JobState::cancelled;
      settle_dependents();
    }
  }

  /// True: an end under this attempt counts now.
  bool accepts(JobId id, std::uint32_t attempt) const {
    const auto at = jobs.find(id);
    return at != jobs.end() && at->second.state == JobState::running &&
           at->second.attempt == attempt && now.steady < at->second.lease_until;
  }

  void end(JobId id, JobState state, FailureClass klass) {
    PlainJob& job = jobs.at(id);
    if (state == JobState::succeeded)
      job.state = state;
    else
      failed(job, klass);
    settle_dependents();
  }

  /// The lease is over, the device went, or the stop order was ignored.
  void lose(PlainJob& job) {
    if (!job.stop && job.spec.on_lost == OnLost::fail)
      job.state = JobState::failed;
    else
      failed(job, FailureClass::transient);
  }

  /// With the node, or with the process of its device.
  void crashed(PlainJob& job) {
    if (job.spec.on_lost == OnLost::fail ||
        job.crashes + 1 >= limits.suspect_crashes) {
      job.state = JobState::failed;
    } else if (passed(job)) {
      job.state = JobState::expired;
    } else {
      ++job.crashes;
      requeued(job);
    }
  }

  void renew(JobId id) {
    PlainJob& job = jobs.at(id);
    if (accepts(id, job.attempt))
      job.lease_until = now.steady + limits.lease_ms;
  }

  void tick() {
    for (auto& [id, job] : jobs)
      if (job.state == JobState::running &&
          (now.steady >= job.lease_until ||
           (job.stop && now.steady >= job.stop_by)))
        lose(job);
    settle_dependents();
    // One after the other by time, as the end of one may fail another first.
    std::multimap<UnixMs, PlainJob*> late;
    for (auto& [id, job] : jobs)
      if (passed(job)) late.emplace(*job.spec.deadline_ms, &job);
    for (auto& [when, job] : late) {
      if (job->state == JobState::running) {
        if (job->stop) continue;
        job->stop = StopReason::expired;
        job->stop_by = now.steady + limits.stop_grace_ms;
      } else if (!is_terminal(job->state)) {
        job->state = JobState::expired;
        settle_dependents();
      }
    }
  }

  void device_down(const std::string& name) {
    if (up.erase(name) == 0) return;
    for (auto& [id, job] : jobs)
      if (job.state == JobState::running && job.device == name) {
        if (job.stop)
          lose(job);
        else
          crashed(job);
      }
    settle_dependents();
  }

  /// The node: attempts are fenced. Not the node: they are taken over.
  void restart(bool crash) {
    for (auto& [id, job] : jobs) {
      if (job.state != JobState::running) continue;
      if (!crash) {
        job.lease_until = now.steady + limits.lease_ms;
        if (job.stop == StopReason::cancelled)
          job.stop_by = now.steady + limits.stop_grace_ms;
        else
          job.stop.reset();
      } else if (job.stop == StopReason::cancelled) {
        job.state = JobState::cancelled;
      } else {
        crashed(job);
      }
    }
    settle_dependents();
  }

  /// What is wrong with starting `id` on `device`, or nothing. `also` start
  /// in the same round.
  std::optional<std::string> start(JobId id, const std::string& device,
                                   const std::set<JobId>& also) {
    PlainJob& job = jobs.at(id);
    if (!may_start(job)) return to_string(id) + " may not start now";
    if (!has_room(device, job)) return to_string(id) + " has no room there";
    for (const auto& [other_id, other] : jobs) {
      if (also.contains(other_id) || !may_start(other) ||
          other.spec.tenant != job.spec.tenant ||
          other.spec.kind != job.spec.kind ||
          other.spec.memory_bytes > job.spec.memory_bytes)
        continue;
      const int mine = standing(job), its = standing(other);
      if (its > mine || (its == mine && other.index < job.index))
        return to_string(id) + " overtook " + to_string(other_id);
    }
    job.state = JobState::running;
    job.device = device;
    ++job.attempt;
    job.lease_until = now.steady + limits.lease_ms;
    job.stop.reset();
    return std::nullopt;
  }

  /// A job that could start and did not, while no other waits for memory.
  std::optional<JobId> left_over() const {
    std::optional<JobId> found;
    for (const auto& [id, job] : jobs) {
      if (!may_start(job)) continue;
      bool could = false, lacks_memory = false;
      for (const auto& name : up) {
        could = could || has_room(name, job);
        lacks_memory = lacks_memory || free_bytes(name) < job.spec.memory_bytes;
      }
      if (could)
        found = id;
      else if (lacks_memory)
        return std::nullopt;
    }
    return found;
  }

  std::uint64_t used_bytes(const std::string& device) const {
    std::uint64_t sum = 0;
    for (const auto& [id, job] : jobs)
      if (job.state == JobState::running && job.device == device)
        sum += job.spec.memory_bytes;
    return sum;
  }

  void requeued(PlainJob& job) {
    job.state = JobState::queued;
    job.queued_at = now.steady;
  }

 private:
  bool passed(const PlainJob& job) const {
    return job.spec.deadline_ms && *job.spec.deadline_ms <= now.wall;
  }

  void failed(PlainJob& job, FailureClass klass) {
    if (job.stop) {
      job.state = job.stop == StopReason::expired ? JobState::expired
                                                  : JobState::cancelled;
      return;
    }
    const bool retry =
        klass == FailureClass::transient || klass == FailureClass::resource;
    if (!retry || job.failures + 1 >= job.spec.retry.max_attempts) {
      job.state = JobState::failed;
    } else if (passed(job)) {
      job.state = JobState::expired;
    } else {
      ++job.failures;
      job.crashes = 0;
      requeued(job);
    }
  }

  /// Until nothing changes: failed where one of theirs did not succeed,
  /// queued where all did.
  void settle_dependents() {
    for (bool changed = true; changed;) {
      changed = false;
      for (auto& [id, job] : jobs) {
        if (job.state != JobState::blocked) continue;
        bool all = true, broken = false;
        for (const JobId on : job.spec.depends_on) {
          const auto at = jobs.find(on);
          const bool known = at != jobs.end();
          all = all && known && at->second.state == JobState::succeeded;
          broken = broken || !known ||
                   (is_terminal(at->second.state) &&
                    at->second.state != JobState::succeeded);
        }
        if (broken)
          job.state = JobState::failed;
        else if (all)
          requeued(job);
        changed = changed || broken || all;
      }
    }
  }

  bool may_start(const PlainJob& job) const {
    return job.state == JobState::queued && !paused &&
           !paused_kinds.contains(job.spec.kind) &&
           job.spec.not_before_ms.value_or(0) <= now.wall &&
           job.ready_at <= now.steady;
  }

  std::uint64_t free_bytes(const std::string& device) const {
    return devices.at(device).memory_bytes - used_bytes(device);
  }

  bool has_room(const std::string& device, const PlainJob& job) const {
    if (!up.contains(device) || paused_devices.contains(device)) return false;
    const DeviceInfo& info = devices.at(device);
    const auto running = std::ranges::count_if(jobs, [&](const auto& item) {
      return item.second.state == JobState::running &&
             item.second.device == device;
    });
    return running < info.slots && job.spec.memory_bytes <= free_bytes(device);
  }

  /// With those that are alike and stand behind it: they cannot pass it.
  int standing(const PlainJob& job) const {
    int highest = level(job);
    for (const auto& [id, other] : jobs)
      if (may_start(other) && other.index > job.index &&
          other.spec.priority == job.spec.priority &&
          other.spec.tenant == job.spec.tenant &&
          other.spec.kind == job.spec.kind &&
          other.spec.memory_bytes == job.spec.memory_bytes)
        highest = std::max(highest, level(other));
    return highest;
  }

  int level(const PlainJob& job) const {
    const SteadyMs own_time =
        now.steady - now.wall + job.spec.not_before_ms.value_or(0);
    const SteadyMs since = std::max({job.queued_at, job.ready_at, own_time});
    const SteadyMs steps = (now.steady - since) / limits.ageing_step_ms;
    return static_cast<int>(
        std::min<SteadyMs>(static_cast<SteadyMs>(job.spec.priority) + steps,
                           static_cast<SteadyMs>(Priority::high)));
  }
};

}  // namespace troupe
