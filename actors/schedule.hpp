// Which job starts next, where, and what happens when it ends: all of the
// scheduler's decisions, without an actor, a clock or a disk. Values go in
// (`now` included), Decisions come out; the shell in scheduler.cpp performs
// them. It refuses to wait, to read a store and to touch `params`.
//
// Order of starts. Every queued job stands in its class; after each
// `ageing_step_ms` that it could have started it stands one class higher, at
// most `high`: its effective class (the first of a lane counts as old as the
// oldest behind it). Of the jobs that could start now, the
// highest level goes first; inside a level tenants take turns by measured use
// (fair share); a tenant's own jobs go by effective class, then by commit
// index. The level of an effective class is raised to what any waiting job
// that entered at or below it has aged to, so that one tenant's aged backlog
// never stands above another tenant's newer job of the same class.
//
// Ageing bound: a job of class c that has waited (h - c) * ageing_step_ms goes
// ahead of every later job of class h of its own tenant, and competes with
// class h of other tenants by fair share alone. So nobody waits for ever.
//
// Models: all attempts that use a model on a device share its memory. The
// last one leaves it there; it goes when nobody used it for idle_model_ms, or
// when a job whose turn it is needs the room. Until the device says that it is
// gone, its memory counts as used.
//
// Slots belong to engines: those who use a model on a device hold one together
// for each batch of them, and join it where no other slot is free
// (actors/placement.hpp).
//
// Big jobs: one that stands first in its queue and lacked memory on every
// device for `hold_after_ms`, or a slot where models hold some, holds one of
// them: nothing that ranks behind it starts there until it fits. Once it ranks
// first, it waits at most for hold_after_ms and then for the attempts that run
// on that device.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "actors/executor.hpp"
#include "actors/model_use.hpp"
#include "config/options.hpp"
#include "core/api.hpp"
#include "core/change.hpp"
#include "core/clock.hpp"
#include "core/device.hpp"
#include "core/kind.hpp"

namespace troupe {

struct Now {
  UnixMs wall = 0;
  SteadyMs steady = 0;
};

struct SchedulerLimits {
  std::uint64_t max_live_jobs =
      static_cast<std::uint64_t>(kQueueDefaults.max_jobs);
  std::uint64_t max_live_jobs_per_tenant = max_live_jobs;
  std::uint32_t max_dependencies = 1'000;  // Of one job.
  /// In a row: failed as suspect.
  std::uint32_t suspect_crashes =
      static_cast<std::uint32_t>(kRetryDefaults.max_crashes);
  SteadyMs ageing_step_ms = kQueueDefaults.ageing_ms;
  SteadyMs hold_after_ms = 10'000;
  SteadyMs lease_ms = kLeaseDefaults.duration_ms;
  /// A model that nobody uses for so long is given back.
  SteadyMs idle_model_ms = 60'000;
  /// A stop order not answered for so long ends the attempt without it.
  SteadyMs stop_grace_ms = kLeaseDefaults.stop_grace_ms;
};

/// For tests alone: each breaks one rule, so that a test can show that it
/// would be noticed.
struct ScheduleDefects {
  bool accept_late_attempt = false;
  bool lose_reservation = false;
  bool skip_seq = false;
  bool no_ageing = false;
};

/// A started attempt, to hand to its device's executor.
struct Assign {
  Token token;
  std::string device;
  std::uint64_t spec_index = 0;    // Where on the log its specification is.
  std::uint64_t memory_bytes = 0;  // All that is reserved for it.
  std::uint64_t own_bytes = 0;     // Of these, without what it shares.
  std::vector<ModelPart> shared;
  /// Outside effects, or results of other jobs: after `started` is durable.
  bool wait_for_sync = false;
  std::size_t change = 0;  // Its `started`, in Decisions::changes.
};

/// What to do, appended to by every call. `changes` go on the log in order;
/// what others can see of them waits for that commit, and so do assigns with
/// wait_for_sync. They never fail but for `submitted` (see submit_refused).
struct Decisions {
  std::vector<Change> changes;
  std::vector<Reservation> reserves;  // Ask: answered through reserved().
  std::vector<Assign> assigns;
  std::vector<StopOrder> stops;
  std::vector<Reservation> releases;
  std::vector<ModelDrop> drops;  // Order: answered through dropped().
  std::vector<ModelDrop> gone;   // To be taken out of the ledger.

  bool empty() const {
    return changes.empty() && reserves.empty() && assigns.empty() &&
           stops.empty() && releases.empty() && drops.empty() && gone.empty();
  }
};

/// A job that ended (durably) before: what the store knows of it.
struct PastJob {
  JobState state = JobState::succeeded;
  std::uint64_t content = 0;  // content_hash of its specification.
  std::string tenant;
};

/// Looks up what is not live. Called while submitting and restoring.
class PastJobs {
 public:
  virtual ~PastJobs() = default;
  /// For an id that a new job takes, and for ids that jobs depend on.
  /// Errors: not_found, forgotten; others are passed on to the submitter.
  virtual Result<PastJob> find(JobId id) = 0;
};

/// Equal for equal requests (same_request); different for others, but for
/// one in 2^64. Not stable between builds: for memory, never for disk.
std::uint64_t content_hash(const JobSpec& spec);

struct SubmitOutcome {
  SubmitAnswer answer;
  /// The answer may leave when the job's `submitted` is durable: the shell
  /// holds it until submit_committed or submit_refused of that id. Also true
  /// for a duplicate of a job that is itself not yet durable.
  bool pending = false;
};

struct ScheduleCounts {
  std::uint64_t pending = 0;  // Submitted, not yet committed.
  std::uint64_t blocked = 0;
  std::uint64_t queued = 0;  // Waiting for a start, or for a reservation.
  std::uint64_t running = 0;
  std::uint64_t ended = 0;         // Ended, not yet reported by end_committed.
  std::uint64_t stale_ends = 0;    // Late results refused, ever.
  std::uint64_t memory_bytes = 0;  // About what all this costs.
};

/// A job as the log knew it when the store was opened. (The store has a LiveJob
/// of its own, hence the name.)
struct RestoredJob {
  JobSpec spec;
  JobSummary summary;  // blocked, queued or running.
  // Running only: of its newest `started`.
  Boxed<Started> start;
  std::uint64_t start_epoch = 0;
  UnixMs start_time_ms = 0;
  bool cancel_requested = false;  // A note after that start says so.
  // Notes after that start: it waits in its engine since then (0: it does not),
  // and waited there so long before.
  UnixMs engine_full_ms = 0;
  std::int64_t engine_waited_ms = 0;
  /// False: `spec` holds only what decides when and where the job runs. Should
  /// somebody submit it again, PastJobs tells its content.
  bool whole_spec = true;
  /// When it last became queued; 0: not known, taken from the others.
  UnixMs queued_ms = 0;
};

struct ScheduleOptions {
  SchedulerLimits limits;
  Kinds kinds;  // For outside_effects; unknown kinds have none.
  std::uint64_t epoch = 0;
  ScheduleDefects defects;
};

/// Not thread-safe; one per scheduler. `random` and `past` outlive it.
///
/// Invariant: every change it emits is legal for JobSummary's apply, in order;
/// reservations it asked for and did not release stay within each device's
/// memory and slots; a job has at most one current attempt.
class Schedule {
 public:
  Schedule(ScheduleOptions options, Random& random, PastJobs& past);
  ~Schedule();
  Schedule(Schedule&&) noexcept;

  // -- start-up ---------------------------------------------------------------

  /// In the order of spec_index, before anything else. Blocked and queued jobs
  /// go on waiting; a running attempt of an earlier epoch is fenced: requeued
  /// with crashes + 1, or failed (on_lost: fail; suspect), or cancelled where
  /// that was asked. One of this epoch (only the scheduler restarted) is
  /// taken over with a fresh lease. `use`: as in submit().
  void restore(const RestoredJob& job, Now now, Decisions& out,
               ModelUse use = {});
  /// An order found on the log, again in force; emits nothing.
  void restore_control(const ControlRequest& order);

  // -- models -----------------------------------------------------------------

  /// The device says that it does not have the model (any more).
  void dropped(const ModelDrop& drop, Decisions& out);
  /// Those there, or on their way.
  std::vector<ModelDrop> models_on(const std::string& device) const;
  /// What nobody uses and is there all the same, by device, without owners.
  std::vector<Reservation> idle_models() const;

  // -- submit -----------------------------------------------------------------

  /// Checks and takes in a normalised specification, and completes its
  /// depends_on from inputs and bindings; `submitted` is emitted with it. The
  /// job becomes eligible with submit_committed.
  /// Errors (in the answer): already_exists, forgotten, not_found (unknown
  /// dependency), invalid_argument (fits no device, depends on itself),
  /// unavailable (limits, drain), too_large (dependencies).
  /// `use`: what it uses of a model beside its own memory, on each class of
  /// devices.
  SubmitOutcome submit(JobSpec spec, Now now, Decisions& out,
                       ModelUse use = {});
  /// Its `submitted` is durable at this log index.
  void submit_committed(JobId id, std::uint64_t spec_index, Now now,
                        Decisions& out);
  /// It was refused (disk full): the job never was.
  void submit_refused(JobId id, Now now, Decisions& out);

  // -- devices ----------------------------------------------------------------

  /// New, or back, or changed: the same name replaces.
  void device_up(const DeviceInfo& device, Now now, Decisions& out);
  /// Its executor is gone: its attempts are lost (class transient).
  void device_down(const std::string& name, Now now, Decisions& out);

  // -- attempts ---------------------------------------------------------------

  /// Starts what can be started. To be called after any other call that may
  /// have made room or work. Cost: the number of different queues (class,
  /// tenant, kind, device, memory), not of jobs.
  void plan(Now now, Decisions& out);
  /// The memory manager's answer to Decisions::reserves. Granted: emits
  /// `started` and the Assign. Refused: the job goes back, no attempt used,
  /// and the device is left alone by jobs that need memory until something
  /// ends there or a second passed.
  void reserved(const Reservation& reservation, bool granted, Now now,
                Decisions& out);
  /// Heartbeats: extends the leases of those that are current.
  void renew(std::span<const Token> tokens, Now now);
  /// Nobody could be heard for a while: every lease begins anew.
  void renew_all(Now now);
  /// Ends or retries the job. Errors: stale (not the current token, or its
  /// lease is over): nothing of the result was used.
  Status attempt_ended(const Token& token, JobEnd end, Now now, Decisions& out);
  /// Puts the note among the job's events. Errors: stale.
  Status attempt_noted(const AttemptNote& note, Now now, Decisions& out);
  /// Its `ended` is durable: the store answers for this job from now on.
  void end_committed(JobId id);

  // -- orders -----------------------------------------------------------------

  /// `tenant` empty: any. Errors (in the answer): not_found for what is not
  /// live (the shell asks the store), denied. A job that is not yet durable is
  /// answered `stopping`: it ends when it is.
  CancelAnswer cancel(JobId id, const std::string& by,
                      const std::string& tenant, Now now, Decisions& out);
  /// pause: starts nothing more, of all, of a kind or on a device; what runs
  /// goes on. drain: likewise for a device; for all or a kind, new submits are
  /// refused while what is here runs to its end. resume lifts both.
  /// Idempotent; every order leaves its `control` change.
  /// Errors: invalid_argument (kind and device), not_found (device).
  Result<ControlReply> control(const ControlRequest& order, Now now,
                               Decisions& out);
  ControlReply status() const;
  /// "yes", or why submits are refused.
  std::string accepting() const;

  // -- time -------------------------------------------------------------------

  /// Deadlines, not-before times, back-off, leases, timeouts.
  void tick(Now now, Decisions& out);
  /// When tick has something to do next; nothing: not before another call.
  std::optional<SteadyMs> next_wake(Now now) const;

  // -- questions --------------------------------------------------------------

  /// Errors: not_found for what is not live (see explain_ended), denied.
  Result<ExplainReply> explain(const ExplainRequest& request, Now now) const;
  ScheduleCounts counts() const;
  /// Of a live job; nothing for others.
  std::optional<JobState> state_of(JobId id) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Why a job that is no longer live ended as it did.
/// `decision`: the recorded one of its last attempt, where that is known.
ExplainReply explain_ended(const JobView& job,
                           const std::string& decision = {});

}  // namespace troupe
