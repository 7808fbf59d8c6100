// The inside of Schedule, shared by the files that implement it:
// schedule.cpp (lives and ends), schedule_submit.cpp, schedule_attempts.cpp,
// schedule_plan.cpp, schedule_models.cpp, schedule_orders.cpp,
// schedule_restore.cpp, schedule_time.cpp, explain.cpp, explain_turn.cpp,
// explain_room.cpp.
#pragma once

#include <array>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "actors/dependencies.hpp"
#include "actors/durations.hpp"
#include "actors/fair_share.hpp"
#include "actors/job_slots.hpp"
#include "actors/job_traits.hpp"
#include "actors/lease_table.hpp"
#include "actors/names.hpp"
#include "actors/placement.hpp"
#include "actors/queue_order.hpp"
#include "actors/schedule.hpp"

namespace troupe {

/// What only few jobs have.
struct JobExtra {
  std::optional<UnixMs> not_before;
  std::optional<UnixMs> deadline;
  std::optional<std::int64_t> timeout_ms;
  SteadyMs ready_at = 0;                        // End of its back-off.
  std::uint32_t avoid_device = Devices::kNone;  // Did not fit, or fell silent.
  std::optional<Failure> broken;  // Its dependency failed while it was pending.
  std::string made_room;          // Models that went for it.
  std::string cancelled_by;       // Asked for while it was pending.
};

/// (when, slot), earliest first.
using Timers = std::set<std::pair<std::int64_t, std::uint32_t>>;

/// Ends per second, for hints when to try again.
class DrainRate {
 public:
  void ended(SteadyMs now);
  /// Milliseconds in which about `jobs` end, between 50 and 60,000.
  std::int64_t ms_for(std::uint64_t jobs, SteadyMs now) const;

 private:
  SteadyMs since_ = 0;
  std::uint64_t ends_ = 0;
  double per_ms_ = 0;
};

struct Schedule::Impl {
  static constexpr auto kNone = JobSlots::kNone;
  /// A content_hash that was not computed.
  static constexpr std::uint64_t kUnknown = 0;

  Impl(ScheduleOptions o, Random& r, PastJobs& p)
      : options{std::move(o)}, random{r}, past{p} {}

  // -- a job's life -----------------------------------------------------------

  std::uint32_t take_in(const JobSpec& spec, std::uint64_t content,
                        std::uint32_t model);
  void forget(std::uint32_t slot);
  JobState state(const JobSlot& job) const;
  void set_stand(std::uint32_t slot, Stand stand);
  JobExtra& extra(std::uint32_t slot);
  const JobExtra* find_extra(std::uint32_t slot) const;
  void keep_times(std::uint32_t slot, const JobSpec& spec);
  /// Sequence number, attempt and time filled in.
  Change& emit(std::uint32_t slot, ChangeType type, Now now, Decisions& out);
  void note(std::uint32_t slot, const char* name, const std::string& by,
            Now now, Decisions& out);
  /// Queued from now on: into its lane, or delayed.
  void make_ready(std::uint32_t slot, Now now);
  void leave_lane(std::uint32_t slot);
  /// Out of lane and timers; it stands nowhere until set_stand.
  void stop_waiting(std::uint32_t slot);
  /// Ends it and, transitively, those that depend on it.
  /// REQUIRES: it has no run.
  void finish(std::uint32_t slot, JobEnd end, Now now, Decisions& out);
  void finish_one(std::uint32_t slot, JobEnd end, Now now, Decisions& out);
  void requeue(std::uint32_t slot, Requeued requeue, Now now, Decisions& out);
  /// By the class of end.failure. REQUIRES: end.state is failed.
  void fail_or_retry(std::uint32_t slot, JobEnd end, Now now, Decisions& out);
  void unblock(std::uint32_t slot, Now now, Decisions& out);
  bool deadline_passed(std::uint32_t slot, Now now) const;

  // -- submit -----------------------------------------------------------------

  std::optional<SubmitOutcome> duplicate_of(const JobSpec& spec,
                                            std::uint64_t content);
  std::optional<Error> refusal(const JobSpec& spec, std::uint32_t model,
                               Now now) const;
  /// How a job stands, live or ended. Errors: not_found (another tenant's
  /// too), forgotten, those of the log.
  Result<JobState> state_of(JobId id, const std::string& tenant);
  /// Those it must wait for, or why it cannot be taken in.
  struct DependencyCheck {
    std::vector<JobId> waits;
    std::optional<Failure> broken;
    std::optional<Error> error;
  };
  DependencyCheck check_dependencies(const JobSpec& spec);

  // -- attempts ---------------------------------------------------------------

  Token token_of(const JobSlot& job, const Run& run) const;
  void begin(std::uint32_t slot, std::uint32_t device, Now now, Decisions& out);
  void start(std::uint32_t run, Now now, Decisions& out);
  /// Gives device, memory and fair share back; the job stands nowhere.
  void close_run(std::uint32_t run, Now now, Decisions& out);
  /// Takes a job that was only reserving back into its lane.
  void take_back(std::uint32_t run, Now now, Decisions& out);
  void order_stop(std::uint32_t run, StopReason reason, Now now,
                  Decisions& out);
  /// Its attempt will report nothing (any more) that counts.
  void lost(std::uint32_t run, std::string_view reason, std::string message,
            Now now, Decisions& out);
  /// Its device's process ended, or fell silent: counts as a crash, not as a
  /// failure.
  void lost_with_device(std::uint32_t run, std::string_view reason,
                        std::string message, Now now, Decisions& out);
  /// A worker's attempt counts as lost with its device: whoever falls silent
  /// elsewhere, it is no fault of the job.
  void lease_ended(std::uint32_t run, Now now, Decisions& out);
  /// Again, without using its retries; the third time in a row it is suspect.
  /// REQUIRES: the job has no run.
  void crashed(std::uint32_t slot, Failure failure, Now now, Decisions& out);
  /// Ends `slot` as the stop order meant it; `end` is how its attempt did.
  void finish_stopped(std::uint32_t slot, StopReason reason, JobEnd end,
                      Now now, Decisions& out);
  /// The current run of the token; nothing: stale.
  std::optional<std::uint32_t> current(const Token& token) const;
  /// The tenant's account: in all for this run what it ran, or is expected to
  /// where that is more.
  void charge(std::uint32_t run, double ran_ms);
  /// Does what is due; watches it otherwise.
  void check_run(std::uint32_t run, Now now, Decisions& out);
  bool outside_effects(std::uint32_t kind);

  // -- models -----------------------------------------------------------------

  /// The model's number; 0: there is none.
  std::uint32_t know_model(ModelUse use);
  /// Of no model: nothing.
  const ModelUse& model_use(std::uint32_t model) const;
  const std::vector<ModelPart>& parts_on(const DeviceState& device,
                                         std::uint32_t model) const;
  /// Its model takes other bytes there by now.
  bool is_replaced(const DeviceState& device, const Resident& resident) const;
  /// Anew: its class is known by now, or its models are others.
  void know_batches(DeviceState& device);
  /// One user more; the bytes that are shared.
  std::uint64_t use_model(std::uint32_t model, std::uint32_t kind,
                          DeviceState& device);
  void leave_model(std::uint32_t model, DeviceState& device, Now now);
  /// It is not there any more; `resident` is gone after it.
  static void forget_model(DeviceState& device, Resident& resident);
  /// The ledger has the parts of `r`, whoever still waits for them.
  void granted_model(const Reservation& r, DeviceState& device,
                     std::uint32_t kind, Now now);
  std::vector<ModelPart> shared_of(const Run& run) const;
  void send_away(DeviceState& device, Resident& resident, Decisions& out);
  /// Sends idle models away where the job would fit without them.
  void make_room(std::uint32_t slot, const Rank& rank, Decisions& out);
  void send_idle_away(Now now, Decisions& out);
  SteadyMs next_idle() const;

  // -- order and place --------------------------------------------------------

  Need need_of(const JobSlot& job) const;
  /// The first of a lane counts as old as the oldest behind it.
  Priority effective(const JobSlot& job, Now now) const;
  bool lane_paused(const Lane& lane) const;
  /// Where it would start now; kNone: nowhere. With a rank: not on devices
  /// held for a job that ranks before it.
  std::uint32_t choose(std::uint32_t slot, const Rank* rank, Now now) const;
  std::optional<double> expected_ms(const JobSlot& job,
                                    const DeviceState& device) const;
  std::string decision(std::uint32_t slot, std::uint32_t device, Now now) const;
  Rank rank_of(std::uint32_t slot, Now now) const;
  void measure_levels(Now now);
  void watch_misfit(Lane& lane, Now now);
  void hold_devices(Now now);
  /// The next time at which somebody stands higher, or holds a device.
  SteadyMs next_turn(Now now) const;

  // -- orders -----------------------------------------------------------------

  void apply_order(const ControlRequest& order);
  CancelAnswer cancel_live(std::uint32_t slot, const std::string& by, Now now,
                           Decisions& out);

  // -- start-up ---------------------------------------------------------------

  void take_over(std::uint32_t slot, const RestoredJob& live, Now now,
                 Decisions& out);
  void fence(std::uint32_t slot, const RestoredJob& live, Now now,
             Decisions& out);

  // -- questions --------------------------------------------------------------

  void explain_wait(std::uint32_t slot, Now now, ExplainReply& reply) const;
  void explain_queue(std::uint32_t slot, Now now, ExplainReply& reply) const;
  void explain_run(std::uint32_t slot, Now now, ExplainReply& reply) const;
  std::uint64_t count_ahead(std::uint32_t slot, Now now) const;
  /// Who may start before `slot`, though nothing is ahead of it: jobs of other
  /// models that run where it would, for as long as no device is held for it.
  /// Empty: nobody.
  std::string who_may_pass(std::uint32_t slot, Now now) const;
  /// All that runs where `slot` would has run longer than was expected of it,
  /// so that nothing is known of when it ends.
  bool is_behind_overdue(std::uint32_t slot, Now now) const;
  /// Until a queued job starts that has so many ahead, its ageing included;
  /// nothing: no device takes it. `mean_ms` is what a job of its kind takes.
  std::optional<std::int64_t> expected_wait_ms(std::uint32_t slot,
                                               std::uint64_t ahead,
                                               double mean_ms, Now now) const;
  std::string why_no_device(const JobSlot& job, Now now) const;
  /// That all of its slots are, and by whom.
  std::string taken_slots(const DeviceState& device) const;
  /// Runs of `model` that their engine has no room for yet.
  std::uint64_t waiting_in_engine(const DeviceState& device,
                                  std::uint32_t model) const;

  const LaneKey& key_of(const JobSlot& job) const {
    return lanes[job.lane].key;
  }

  ScheduleOptions options;
  Random& random;
  PastJobs& past;

  JobSlots slots;
  Lanes lanes{slots};
  Names kinds;
  Names models;
  // By number of model; the first is no model's.
  std::vector<ModelUse> model_uses{1};
  std::vector<ModelSizes> model_sizes{1};
  Names tenants;
  TraitsTable traits;
  Devices devices{kinds};
  LeaseTable runs;
  Dependencies dependencies;
  FairShare share;
  Durations durations;
  DrainRate drain_rate;

  std::unordered_map<std::uint32_t, JobExtra> extras;
  Timers deadlines;    // Wall time.
  Timers not_befores;  // Wall time.
  Timers back_offs;    // Steady time.

  std::vector<std::uint64_t> tenant_jobs;  // Live, by tenant.
  std::array<std::uint64_t, kStands> standing{};
  std::uint64_t stale_ends = 0;
  std::vector<signed char> effects;  // By kind: -1 unknown, 0, 1.

  bool paused = false;
  bool draining = false;
  // By device: the big job that waits for room there.
  struct Hold {
    std::uint32_t slot = kNone;
    Rank rank;  // When it was planned: others' starts do not change it.
  };
  std::vector<Hold> holds;
  Levels levels;  // Of the newest plan.
  /// The newest plan kept a job from a device that is held for another, though
  /// it has room there. When the order of the two may change next by time
  /// alone; nothing: none was kept.
  std::optional<SteadyMs> turn_at;
  std::set<std::uint32_t> paused_kinds;
  std::set<std::uint32_t> draining_kinds;
};

}  // namespace troupe
