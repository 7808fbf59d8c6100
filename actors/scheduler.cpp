// The scheduler: an actor that moves messages; what it decides is Schedule's.
// One file though it is long: every function works on the one state below, and
// the headers of CAF are compiled once for it.
#include "actors/scheduler.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <algorithm>
#include <chrono>
#include <deque>
#include <functional>
#include <unordered_map>

#include "actors/errors.hpp"
#include "actors/executors.hpp"
#include "actors/resolve.hpp"
#include "actors/restore.hpp"
#include "actors/supervisor.hpp"
#include "kinds/submit_check.hpp"

namespace troupe {
namespace {

// So much later than asked for comes no wake of a node that runs.
constexpr SteadyMs kStoodStillMs = 500;
// For an order to reach the disk before it is asked whether it can.
constexpr std::int64_t kHeldMs = 1'000;
// Looked at for the start of a job that has ended.
constexpr std::uint32_t kEventsBack = 64;
constexpr std::uint32_t kEventsBytes = 256 * 1024;

using SelfActor =
    Supervised<SchedulerActor>::extend<caf::result<void>(flush_atom),
                                       caf::result<void>(wake_atom)>;

// The answer to one submit request, filled in as its jobs become durable.
struct Ticket {
  caf::typed_response_promise<SubmitReply> promise;
  SubmitReply reply;
  std::size_t pending = 0;
};

// Where one job's answer goes. Shared: a request's jobs may become durable in
// different batches.
struct Seat {
  JobId id;
  std::shared_ptr<Ticket> ticket;
  std::size_t index = 0;
};

// An answer that must not leave before what was decided so far is durable.
struct Held {
  std::uint64_t append = 0;  // Number of the firm append it waits for.
  std::function<void()> deliver;
  std::function<void(const Error&)> refuse;
};

struct Ending {
  JobId job;
  bool left_files = false;  // Perhaps: its attempts.
  std::vector<ArtifactRef> files;
};

class SchedulerState {
 public:
  static inline const char* name = "troupe.scheduler";

  SchedulerState(SelfActor::pointer self, SchedulerOptions options)
      : self_{self},
        options_{std::move(options)},
        store_{*options_.store},
        random_{options_.random_seed ? seeded_random(options_.random_seed)
                                     : system_random()},
        past_{store_},
        schedule_{{.limits = options_.limits,
                   .kinds = options_.kinds,
                   .epoch = store_.epoch(),
                   .defects = options_.defects},
                  *random_,
                  past_} {}

  SelfActor::behavior_type make_behavior() {
    self_->set_down_handler(
        [this](const caf::down_msg& down) { on_down(down.source); });
    restore();
    return {
        [this](submit_atom, SubmitRequest& r) { return submit(std::move(r)); },
        [this](cancel_atom, const CancelRequest& r) { return cancel(r); },
        [this](control_atom, const ControlRequest& r) { return control(r); },
        [this](explain_atom, const ExplainRequest& r) { return explain(r); },
        [this](status_atom) { return schedule_.status(); },
        [this](device_atom, const DeviceInfo& d, const caf::actor& executor) {
          when_ready([this, d, executor] { device(d, executor); });
        },
        [this](ended_atom, std::vector<AttemptEnd>& ends) {
          catch_up();
          if (ready_) return ended(std::move(ends));
          when_ready([this, ends]() mutable { ended(std::move(ends)); });
        },
        [this](drop_atom, const std::vector<ModelDrop>& drops) {
          if (ready_) return dropped(drops);
          when_ready([this, drops] { dropped(drops); });
        },
        [this](heartbeat_atom, const std::vector<Token>& tokens) {
          if (!ready_) return;
          catch_up();
          schedule_.renew(tokens, now());
          arm_timer();
        },
        [this](note_atom, const std::vector<AttemptNote>& notes) {
          if (ready_) return noted(notes);
          when_ready([this, notes] { noted(notes); });
        },
        [this](bind_atom, const std::string& child, const caf::actor& handle) {
          bind(child, handle);
        },
        [this](flush_atom) {
          flush_sent_ = false;
          flush();
        },
        [this](wake_atom) {
          catch_up();
          wake_at_.reset();
          if (!ready_) return;
          schedule_.tick(now(), out_);
          flush();
        },
    };
  }

 private:
  Now now() const { return {options_.wall->now(), options_.steady->now()}; }
  std::chrono::milliseconds timeout() const {
    return std::chrono::milliseconds(options_.timeout_ms);
  }

  // -- start ------------------------------------------------------------------

  // What an earlier life of this actor sent to the history is on the log
  // before its state is read.
  void restore() {
    self_->request(options_.history, timeout(), barrier_atom_v)
        .then([this] { read_store(); },
              [this](caf::error& e) { self_->quit(std::move(e)); });
  }

  void read_store() {
    know_devices();
    const auto at = now();  // A clock read a job would be 3 % of a start-up.
    auto done = restore_from(
        store_, [this, at](const RestoredJob& job) { take_up(job, at); },
        [this](const ControlRequest& order) {
          schedule_.restore_control(order);
        });
    if (!done) return self_->quit(to_caf(done.error()));
    forget_fenced();
    ready_ = true;
    reserve_again();
    for (auto& work : std::exchange(deferred_, {})) work();
    flush();
  }

  void take_up(const RestoredJob& job, Now at) {
    auto use = known_use(job.spec);
    if (job.summary.state == JobState::running && job.start)
      handed_out_[job.summary.id] = {
          {job.start_epoch, job.summary.id, job.summary.attempt},
          job.start->device,
          job.spec.kind,
          job.spec.memory_bytes,
          use.on(class_of(job.start->device)).parts,
          {}};
    const auto first_change = out_.changes.size();
    schedule_.restore(job, at, out_, std::move(use));
    complete_lost(job, first_change);
  }

  // Nobody else can tell what a lost attempt left behind when no further
  // attempt follows it.
  void complete_lost(const RestoredJob& job, std::size_t first_change) {
    if (!options_.complete_lost || job.summary.state != JobState::running)
      return;
    const Token token{job.start_epoch, job.summary.id, job.summary.attempt};
    for (auto i = first_change; i < out_.changes.size(); ++i)
      if (auto& end = out_.changes[i].end; end && end->failure)
        options_.complete_lost(token, *end);
  }

  void know_devices() {
    for (const auto& device : options_.devices) {
      schedule_.device_up(device, now(), out_);
      schedule_.device_down(device.name, now(), out_);
    }
  }

  // Only attempts of this epoch were taken over.
  void forget_fenced() {
    std::erase_if(handed_out_, [&](const auto& entry) {
      return entry.second.token.epoch != store_.epoch();
    });
  }

  template <class Work>
  void when_ready(Work work) {
    if (ready_)
      work();
    else
      deferred_.push_back(std::move(work));
  }

  void bind(const std::string& child, const caf::actor& handle) {
    if (child == "job_history") {
      options_.history = caf::actor_cast<JobHistoryActor>(handle);
    } else if (child == "memory_manager") {
      options_.memory = caf::actor_cast<MemoryManagerActor>(handle);
      reserve_again();
    }
  }

  // A restarted ledger learns what is in use.
  void reserve_again() {
    for (const auto& device : executors_.devices())
      self_->send(options_.memory, device_atom_v, device);
    std::vector<Reservation> held;
    for (const auto& [job, h] : handed_out_)
      held.push_back({h.token, h.device, h.own_bytes, h.shared});
    const auto idle = schedule_.idle_models();
    held.insert(held.end(), idle.begin(), idle.end());
    if (!held.empty())
      self_
          ->request(options_.memory, timeout(), reserve_atom_v, std::move(held))
          .then([](const ReserveReply&) {}, [](const caf::error&) {});
    // Nobody's: only there.
    if (!idle.empty()) self_->send(options_.memory, release_atom_v, idle);
  }

  // -- requests ---------------------------------------------------------------

  static Error not_ready() {
    return {.code = Errc::unavailable,
            .message = "the scheduler reads its history; ask again",
            .retry_after_ms = 100};
  }

  caf::result<SubmitReply> submit(SubmitRequest request) {
    if (!ready_) return to_caf(not_ready());
    auto ticket = std::make_shared<Ticket>();
    ticket->promise = self_->make_response_promise<SubmitReply>();
    ticket->reply.answers.reserve(request.jobs.size());
    const auto at = now();
    for (auto& spec : request.jobs) submit_one(ticket, std::move(spec), at);
    if (ticket->pending == 0) {
      ticket->promise.deliver(std::move(ticket->reply));
      return ticket->promise;
    }
    flush_soon();
    return ticket->promise;
  }

  /// A job that is known already may have outlived its files.
  std::vector<Fault> missing_files(const JobSpec& spec) const {
    std::vector<Fault> faults;
    if (!options_.has_file) return faults;
    for (std::size_t i = 0; i < spec.inputs.size(); ++i) {
      const auto& input = spec.inputs[i];
      if (input.job || options_.has_file(input.sha256)) continue;
      if (store_.summary(spec.id)) return {};
      faults.push_back({"inputs[" + std::to_string(i) + "].sha256",
                        "names a file that is not here; bring it first: "
                        "troupe artifacts put FILE"});
    }
    return faults;
  }

  // Beside what is wrong already, so that one answer has it all. A job that is
  // here already is answered whatever became of its model.
  void add_model_faults(const JobSpec& spec, const Error& error,
                        std::vector<Fault>& faults) const {
    if (!store_.summary(spec.id))
      add_narrower(faults, faults_of_model(spec, error));
  }

  static bool names_model(const std::vector<Fault>& faults) {
    return std::ranges::any_of(
        faults, [](const Fault& fault) { return fault.path == "model"; });
  }

  Result<ModelUse> use_of(const JobSpec& spec) const {
    const auto* kind = find_kind(options_.kinds, spec.kind);
    if (!kind || !kind->needs_model || !options_.model_use) return ModelUse{};
    return options_.model_use(spec);
  }

  // Of a job that is here already. A model that is gone is its attempt's
  // failure, and what it took is known no more.
  ModelUse known_use(const JobSpec& spec) const {
    auto use = use_of(spec);
    return use ? *std::move(use) : ModelUse{};
  }

  // Empty for one that is not known beforehand.
  std::string class_of(const std::string& device) const {
    for (const auto& known : options_.devices)
      if (known.name == device) return known.klass;
    return {};
  }

  void submit_one(const std::shared_ptr<Ticket>& ticket, JobSpec spec, Now at) {
    auto& answers = ticket->reply.answers;
    const auto id = spec.id;
    auto faults = check_submit(spec, options_.kinds, options_.job_limits);
    if (faults.empty()) faults = missing_files(spec);
    // Reserved before the start, beside what the job asks for.
    auto use =
        names_model(faults) ? Result<ModelUse>{ModelUse{}} : use_of(spec);
    if (!use) add_model_faults(spec, use.error(), faults);
    if (!faults.empty()) {
      answers.push_back({.id = id, .error = submit_error(std::move(faults))});
      return;
    }
    spec.submitted_ms = at.wall;
    auto outcome = schedule_.submit(std::move(spec), at, out_,
                                    use ? *std::move(use) : ModelUse{});
    answers.push_back(std::move(outcome.answer));
    if (!outcome.pending) return;
    ++ticket->pending;
    Seat seat{id, ticket, answers.size() - 1};
    if (answers.back().existed)
      duplicates_[id].push_back(std::move(seat));
    else
      seats_.push_back(std::move(seat));
  }

  caf::result<CancelReply> cancel(const CancelRequest& request) {
    if (!ready_) return to_caf(not_ready());
    if (auto can = can_record(); !can) return to_caf(can.error());
    CancelReply reply;
    for (const auto id : request.jobs) {
      auto answer =
          schedule_.cancel(id, request.by, request.tenant, now(), out_);
      if (answer.error && answer.error->code == Errc::not_found)
        answer = ended_before(id, request.tenant);
      reply.answers.push_back(std::move(answer));
    }
    return when_durable(std::move(reply));
  }

  CancelAnswer ended_before(JobId id, const std::string& tenant) const {
    auto view = store_.view(id);
    if (!view) return {.id = id, .error = view.error()};
    if (!tenant.empty() && view->spec.tenant != tenant)
      return {.id = id, .error = unknown_job(id)};
    return {.id = id, .state = view->state};
  }

  caf::result<ControlReply> control(const ControlRequest& request) {
    if (!ready_) return to_caf(not_ready());
    if (auto can = can_record(); !can) return to_caf(can.error());
    auto reply = schedule_.control(request, now(), out_);
    if (!reply) return to_caf(reply.error());
    return when_durable(*std::move(reply));
  }

  caf::result<ExplainReply> explain(const ExplainRequest& request) const {
    auto reply = schedule_.explain(request, now());
    if (reply || reply.error().code != Errc::not_found)
      return troupe::reply(std::move(reply));
    auto view = store_.view(request.job);
    if (!view) return to_caf(view.error());
    if (!request.tenant.empty() && view->spec.tenant != request.tenant)
      return to_caf(unknown_job(request.job));
    return explain_ended(*view, last_decision(*view));
  }

  /// Of the last attempt of a job that ended, if it is not far back.
  std::string last_decision(const JobView& job) const {
    if (job.attempt == 0) return {};
    const auto after = job.seq > kEventsBack ? job.seq - kEventsBack : 0;
    const auto events =
        store_.job_events(job.spec.id, after, kEventsBack, kEventsBytes);
    if (!events) return {};
    for (auto entry = events->rbegin(); entry != events->rend(); ++entry)
      if (entry->change.start) return entry->change.start->decision;
    return {};
  }

  template <class T>
  caf::result<T> when_durable(T reply) {
    auto promise = self_->make_response_promise<T>();
    held_.push_back({firm_sent_ + 1,
                     [promise, reply = std::move(reply)]() mutable {
                       promise.deliver(std::move(reply));
                     },
                     [promise](const Error& why) mutable {
                       promise.deliver(to_caf(why));
                     }});
    flush_soon();
    watch_held();
    return promise;
  }

  /// ok(), or why no order can be recorded. A disk that is only full has its
  /// reserve for them.
  Status can_record() const {
    auto accepting = store_.accepting();
    if (accepting || accepting.error().code == Errc::disk_full) return ok();
    return accepting;
  }

  // Who gave an order before the disk was known to fail need not wait for ever.
  void watch_held() {
    if (held_.empty() || std::exchange(held_watched_, true)) return;
    self_->run_delayed(std::chrono::milliseconds(kHeldMs), [this] {
      held_watched_ = false;
      auto can = can_record();
      if (can) return watch_held();
      auto why = can.error();
      why.message +=
          "; the order is carried out, and it will be on record "
          "once the disk takes writes";
      for (auto& held : std::exchange(held_, {})) held.refuse(why);
    });
  }

  // -- devices and attempts ---------------------------------------------------

  void device(const DeviceInfo& info, const caf::actor& executor) {
    self_->monitor(executor);
    // Before anything is reserved there: a worker's device is new to it.
    self_->send(options_.memory, device_atom_v, info);
    schedule_.device_up(executors_.add(info, executor), now(), out_);
    if (options_.device_changed) options_.device_changed(info.name, true);
    flush_soon();
  }

  void on_down(const caf::actor_addr& executor) {
    for (auto& [device, left] : executors_.remove(executor)) {
      if (left) {
        schedule_.device_up(*left, now(), out_);
        lose_unserved(device);
      } else {
        schedule_.device_down(device, now(), out_);
        if (options_.device_changed) options_.device_changed(device, false);
        std::erase_if(handed_out_, [&device = device](const auto& entry) {
          return entry.second.device == device;
        });
      }
    }
    flush_soon();
  }

  void dropped(const std::vector<ModelDrop>& drops) {
    for (const auto& drop : drops) schedule_.dropped(drop, out_);
    flush_soon();
  }

  // Whose executor is gone: so is the model.
  void drop(const std::vector<ModelDrop>& drops) {
    std::unordered_map<caf::actor, std::vector<ModelDrop>> by_executor;
    std::vector<ModelDrop> gone;
    for (const auto& drop : drops)
      if (auto* e = executors_.find(drop.device, drop.kind))
        by_executor[*e].push_back(drop);
      else
        gone.push_back(drop);
    for (auto& [executor, list] : by_executor)
      self_->send(caf::actor_cast<ExecutorActor>(executor), drop_atom_v,
                  std::move(list));
    if (!gone.empty()) dropped(gone);
  }

  // The device lives, but nobody runs these kinds there any more.
  void lose_unserved(const std::string& device) {
    std::vector<AttemptEnd> lost;
    for (const auto& [job, h] : handed_out_)
      if (h.device == device && !executors_.find(device, h.kind)) {
        JobEnd end;
        end.state = JobState::failed;
        end.failure = Failure{FailureClass::transient,
                              "executor_lost",
                              "the executor of " + h.kind + " ended",
                              {}};
        lost.push_back({h.token, std::move(end)});
      }
    ended(std::move(lost));
    auto models = schedule_.models_on(device);
    std::erase_if(models, [this](const ModelDrop& m) {
      return executors_.find(m.device, m.kind) != nullptr;
    });
    dropped(models);
  }

  void ended(std::vector<AttemptEnd> ends) {
    const auto at = now();
    for (auto& [token, end] : ends) {
      // A stale end changed nothing: its attempt was counted when it was lost.
      if (!schedule_.attempt_ended(token, std::move(end), at, out_)) continue;
      auto it = handed_out_.find(token.job);
      if (it != handed_out_.end() && it->second.token == token)
        handed_out_.erase(it);
    }
    flush_soon();
  }

  // A stale one is of an attempt whose end says more.
  void noted(const std::vector<AttemptNote>& notes) {
    const auto at = now();
    for (const auto& note : notes)
      static_cast<void>(schedule_.attempt_noted(note, at, out_));
    flush_soon();
  }

  // -- performing what was decided --------------------------------------------

  // Lands behind everything that is in the mailbox now, so all of it is
  // decided together and travels together.
  void flush_soon() {
    if (std::exchange(flush_sent_, true)) return;
    self_->send(self_, flush_atom_v);
  }

  // Woken late, the whole node stood still (SIGSTOP, a paused machine): in that
  // time nobody could hear of an attempt, so no lease ended in it.
  void catch_up() {
    const auto at = now();
    if (!ready_ || !wake_at_ || at.steady - *wake_at_ < kStoodStillMs) return;
    wake_at_ = at.steady;
    schedule_.renew_all(at);
  }

  void flush() {
    if (!ready_) return;
    catch_up();
    // What fell due meanwhile, or while the node was down, must not start.
    schedule_.tick(now(), out_);
    schedule_.plan(now(), out_);
    perform();
  }

  void perform() {
    auto d = std::exchange(out_, {});
    const auto later = stop(d.stops);
    if (!d.releases.empty())
      self_->send(options_.memory, release_atom_v, std::move(d.releases));
    if (!d.gone.empty())
      self_->send(options_.memory, drop_atom_v, std::move(d.gone));
    drop(d.drops);
    if (!d.reserves.empty()) reserve(std::move(d.reserves));
    append(d);
    stop(later);  // Of attempts that begin in this very flush.
    for (auto& h : held_) h.append = std::min(h.append, firm_sent_);
    deliver_held();
    arm_timer();
  }

  void reserve(std::vector<Reservation> wanted) {
    // Of this process: it answers or ends. A timer would wake a thread.
    self_->request(options_.memory, caf::infinite, reserve_atom_v, wanted)
        .then(
            [this, wanted](const ReserveReply& reply) {
              for (std::size_t i = 0; i < wanted.size(); ++i)
                schedule_.reserved(wanted[i],
                                   i < reply.granted.size() && reply.granted[i],
                                   now(), out_);
              perform();
              // Another device may have room for what was refused.
              if (std::ranges::count(reply.granted, 0) > 0) flush_soon();
            },
            [this, wanted](const caf::error&) {
              for (const auto& r : wanted)
                schedule_.reserved(r, false, now(), out_);
              perform();
            });
  }

  // Returns the orders of attempts that are not known here.
  std::vector<StopOrder> stop(const std::vector<StopOrder>& orders) {
    std::unordered_map<caf::actor, std::vector<StopOrder>> by_executor;
    std::vector<StopOrder> unknown;
    for (const auto& order : orders) {
      auto it = handed_out_.find(order.token.job);
      if (it == handed_out_.end() || it->second.token != order.token) {
        unknown.push_back(order);
        continue;
      }
      auto& attempt = it->second;
      if (attempt.kind.empty())
        attempt.stop = order.reason;
      else if (auto* e = executors_.find(attempt.device, attempt.kind))
        by_executor[*e].push_back(order);
      if (order.reason == StopReason::fenced) handed_out_.erase(it);
    }
    for (auto& [executor, list] : by_executor)
      self_->send(caf::actor_cast<ExecutorActor>(executor), stop_atom_v,
                  std::move(list));
    return unknown;
  }

  // Submits may be refused by the disk, all else may not: two batches. No
  // other change can speak of a job whose submit is still on its way.
  void append(Decisions& d) {
    AppendRequest submits{.refusable = true};
    AppendRequest firm{.sync = false};
    std::vector<Assign> now_assigns, later_assigns;
    for (auto& a : d.assigns) {
      remember(a, d.changes[a.change]);
      (a.wait_for_sync ? later_assigns : now_assigns).push_back(a);
    }
    std::vector<Ending> ends;
    for (auto& change : d.changes) {
      if (change.type == ChangeType::submitted) {
        cache(*change.spec);
        submits.changes.push_back(std::move(change));
        continue;
      }
      // Only a start's record need not be on disk before somebody acts on it.
      firm.sync |= change.type != ChangeType::started;
      if (change.type == ChangeType::ended)
        ends.push_back(
            {change.job,
             change.attempt > 0 && (change.end->state != JobState::succeeded ||
                                    !change.end->artifacts.empty()),
             change.end->artifacts});
      firm.changes.push_back(std::move(change));
    }
    firm.sync |= !later_assigns.empty();
    if (!submits.changes.empty()) append_submits(std::move(submits));
    if (!firm.changes.empty())
      append_firm(std::move(firm), std::move(ends), std::move(later_assigns));
    assign(now_assigns);
  }

  void append_submits(AppendRequest request) {
    auto seats = std::exchange(seats_, {});
    self_
        ->request(options_.history, caf::infinite, append_atom_v,
                  std::move(request))
        .then(
            [this, seats](const Appended& done) {
              auto index = done.first_index;
              const auto at = now();
              for (const auto& seat : seats) {
                schedule_.submit_committed(seat.id, index++, at, out_);
                settle(seat, nullptr);
              }
              flush_soon();
            },
            [this, seats](const caf::error& e) {
              const auto why = from_caf(e);
              for (const auto& seat : seats) {
                schedule_.submit_refused(seat.id, now(), out_);
                specs_.erase(seat.id);
                settle(seat, &why);
              }
              flush_soon();
            });
  }

  void settle(const Seat& seat, const Error* why) {
    settle_one(seat, why);
    auto it = duplicates_.find(seat.id);
    if (it == duplicates_.end()) return;
    for (const auto& other : it->second) settle_one(other, why);
    duplicates_.erase(it);
  }

  void settle_one(const Seat& seat, const Error* why) {
    if (why) seat.ticket->reply.answers[seat.index].error = *why;
    if (--seat.ticket->pending == 0)
      seat.ticket->promise.deliver(std::move(seat.ticket->reply));
  }

  void append_firm(AppendRequest request, std::vector<Ending> ends,
                   std::vector<Assign> assigns) {
    const auto number = ++firm_sent_;
    self_
        ->request(options_.history, caf::infinite, append_atom_v,
                  std::move(request))
        .then(
            [this, number, ends, assigns](const Appended&) {
              firm_done_ = number;
              for (const auto& end : ends) end_committed(end);
              assign(assigns);
              deliver_held();
            },
            // The writer ended with this in hand; nobody knows whether it is
            // on the log. A new life reads what is.
            [this](caf::error& e) { self_->quit(std::move(e)); });
  }

  void end_committed(const Ending& end) {
    schedule_.end_committed(end.job);
    if (end.left_files && options_.on_ended)
      options_.on_ended(end.job, end.files);
  }

  void deliver_held() {
    while (!held_.empty() && held_.front().append <= firm_done_) {
      held_.front().deliver();
      held_.pop_front();
    }
  }

  void arm_timer() {
    auto due = schedule_.next_wake(now());
    if (!due || (wake_at_ && *wake_at_ <= *due)) return;
    wake_at_ = *due;
    const auto wait = std::max<SteadyMs>(*due - now().steady, 1);
    self_->delayed_send(self_, std::chrono::milliseconds(wait), wake_atom_v);
  }

  // -- handing out ------------------------------------------------------------

  // A job that starts soon is not read from disk again.
  void cache(const JobSpec& spec) {
    if (specs_.size() < options_.spec_cache_jobs) specs_.emplace(spec.id, spec);
  }

  void remember(const Assign& a, const Change& started) {
    auto& h = handed_out_[started.job];
    h.token = a.token;
    h.device = a.device;
    h.own_bytes = a.own_bytes;
    h.shared = a.shared;
    h.kind.clear();  // Known with its specification.
    h.stop.reset();
  }

  void assign(const std::vector<Assign>& assigns) {
    std::unordered_map<caf::actor, std::vector<Assignment>> by_executor;
    std::vector<AttemptEnd> ended_early;
    for (const auto& a : assigns) {
      auto handed = handed_out_.find(a.token.job);
      // Stopped or lost while its start was on the way to the disk.
      if (handed == handed_out_.end() || handed->second.token != a.token)
        continue;
      if (handed->second.stop) {
        specs_.erase(a.token.job);
        ended_early.push_back(stopped(a.token, *handed->second.stop));
        continue;
      }
      auto spec = take_spec(a);
      if (!spec) {
        ended_early.push_back(
            failure(a.token, FailureClass::transient, spec.error()));
        continue;
      }
      handed->second.kind = spec->kind;
      Assignment work{.token = a.token,
                      .spec = *std::move(spec),
                      .device = a.device,
                      .memory_bytes = a.memory_bytes,
                      .resident = a.shared.empty() ? std::string{}
                                                   : a.shared.front().model};
      auto ready = resolve(
          work, [this](JobId id) { return store_.end(id); },
          find_kind(options_.kinds, work.spec.kind));
      if (!ready) {
        ended_early.push_back(
            failure(a.token, FailureClass::invalid, ready.error()));
        continue;
      }
      auto* executor = executors_.find(a.device, work.spec.kind);
      if (!executor) {
        ended_early.push_back(
            failure(a.token, FailureClass::transient,
                    {Errc::device_lost, "its executor is gone"}));
        continue;
      }
      by_executor[*executor].push_back(std::move(work));
    }
    for (auto& [executor, list] : by_executor)
      self_->send(caf::actor_cast<ExecutorActor>(executor), assign_atom_v,
                  std::move(list));
    if (!ended_early.empty()) ended(std::move(ended_early));
  }

  Result<JobSpec> take_spec(const Assign& a) {
    if (auto it = specs_.find(a.token.job); it != specs_.end()) {
      auto spec = std::move(it->second);
      specs_.erase(it);
      return spec;
    }
    auto specs = store_.specs(std::span{&a.spec_index, 1});
    if (!specs) return specs.error();
    return std::move(specs->front());
  }

  // As its executor would say that had it for a moment.
  static AttemptEnd stopped(const Token& token, StopReason reason) {
    auto end = failure(token, FailureClass::transient,
                       {Errc::cancelled, "it was stopped before it began"});
    if (reason == StopReason::cancelled)
      end.end = {JobState::cancelled, {}, {}, {}};
    if (reason == StopReason::expired) end.end.state = JobState::expired;
    return end;
  }

  static AttemptEnd failure(const Token& token, FailureClass klass,
                            const Error& why) {
    JobEnd end;
    end.state = JobState::failed;
    end.failure =
        Failure{klass, std::string(to_string(why.code)), why.message, {}};
    return {token, std::move(end)};
  }

  SelfActor::pointer self_;
  SchedulerOptions options_;
  const JobStore& store_;
  std::unique_ptr<Random> random_;
  StorePastJobs past_;
  Schedule schedule_;
  Decisions out_;  // Decided, not yet performed.
  bool ready_ = false;
  std::vector<std::function<void()>> deferred_;  // Until ready_.

  Executors executors_;
  std::unordered_map<JobId, HandedOut> handed_out_;
  std::unordered_map<JobId, JobSpec> specs_;

  std::vector<Seat> seats_;  // Of the `submitted` changes in out_, in order.
  std::unordered_map<JobId, std::vector<Seat>> duplicates_;
  std::deque<Held> held_;
  bool held_watched_ = false;
  std::uint64_t firm_sent_ = 0;  // Firm appends sent to the history, and
  std::uint64_t firm_done_ = 0;  // durable; it answers in order.
  bool flush_sent_ = false;
  std::optional<SteadyMs> wake_at_;
};

}  // namespace

SchedulerActor spawn_scheduler(caf::actor_system& sys,
                               SchedulerOptions options) {
  using Impl = SelfActor::stateful_impl<SchedulerState>;
  if (options.own_thread)
    return sys.spawn<Impl, caf::detached>(std::move(options));
  return sys.spawn<Impl>(std::move(options));
}

}  // namespace troupe
