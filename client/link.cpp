// Over 400 lines: the state of one actor, whose parts share turn and phase;
// what can be decided without it is in SubmitQueue and CallTable.
#include "client/link.hpp"

#include <caf/actor_cast.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "actors/errors.hpp"
#include "client/call_table.hpp"
#include "cluster/on_network_thread.hpp"

namespace troupe::client {
namespace {

using SelfActor = caf::typed_actor<caf::result<void>(wake_atom),
                                   caf::result<void>(flush_atom)>;

constexpr SteadyMs kNever = std::numeric_limits<SteadyMs>::max();
// Where a head says "not now" without saying when.
constexpr std::int64_t kUnhintedPauseMs = 200;

enum class Phase : std::uint8_t { ready = 1, pausing, dialling, broken };

// One place where code of the library's user runs: what it throws must not
// look like a fault of the connection.
void tell(const AnswerCallback& done, Result<Answer> answer) noexcept {
  if (done) done(std::move(answer));
}

// Dialling again at once cannot mend these.
bool is_refusal(Errc code) {
  return code == Errc::unsupported || code == Errc::invalid_argument ||
         code == Errc::corrupt;
}

class LinkState {
 public:
  static inline const char* name = "troupe.client";

  LinkState(SelfActor::pointer self, std::shared_ptr<Link> link, Seat seat,
            Dial dial)
      : self_{self},
        link_{std::move(link)},
        dial_{std::move(dial)},
        first_seat_{std::move(seat)},
        random_{system_random()},
        backoff_ms_{link_->options.backoff_ms} {}

  SelfActor::behavior_type make_behavior() {
    self_->set_down_handler([this](caf::down_msg& down) {
      begin_turn();
      if (seat_ && down.source == seat_->session.address()) lost();
      end_turn();
    });
    take_seat(std::move(first_seat_));
    return {
        [this](wake_atom) {
          begin_turn();
          end_turn();
        },
        [this](flush_atom) {
          begin_turn();
          set_armed(kNever);
          end_turn();
        },
    };
  }

 private:
  static SteadyMs now() { return system_steady_clock().now(); }

  // -- turns: between them the actor sleeps, and callers wake it --------------

  void begin_turn() {
    link_->own_thread = std::this_thread::get_id();
    std::lock_guard lock{link_->mutex};
    link_->awake = true;
  }

  void end_turn() {
    while (!closed_) {
      take_news();
      expire();
      if (phase_ == Phase::ready)
        calls_.send_due(
            now(), [this](std::uint64_t n, Call& call) { send_call(n, call); });
      if (phase_ == Phase::pausing && now() >= redial_ms_) start_dialling();
      if (fall_asleep()) break;
    }
    if (!closed_) arm();
  }

  // True: nothing is left to do until somebody wakes this actor.
  bool fall_asleep() {
    std::unique_lock lock{link_->mutex};
    if (may_submit()) {
      while (const auto* batch = link_->submits.next()) send_batch(*batch);
    }
    if (!link_->calls.empty() || link_->dialled || link_->closing) return false;
    link_->awake = false;
    return true;
  }

  void take_news() {
    std::vector<Call> calls;
    std::optional<Result<Seat>> dialled;
    bool closing = false;
    {
      std::lock_guard lock{link_->mutex};
      calls.swap(link_->calls);
      dialled.swap(link_->dialled);
      closing = link_->closing;
    }
    for (auto& call : calls) calls_.add(std::move(call));
    if (dialled) finish_dialling(*std::move(dialled));
    if (phase_ == Phase::broken) fail_all(broken_);
    if (closing) close();
  }

  void close() {
    fail_all({Errc::cancelled, "the client is closing"});
    closed_ = true;
    self_->quit();
    std::lock_guard lock{link_->mutex};
    link_->closed = true;
    link_->closed_changed.notify_all();
  }

  // -- sending ----------------------------------------------------------------
  // Requests have no timer of CAF's: each would wake the thread of CAF's clock.
  // expire() ends what takes too long, and the session's end all that is open.

  bool may_submit() const {
    return phase_ == Phase::ready && now() >= submit_pause_ms_;
  }

  // The caller holds the lock: sending is putting a message into a mailbox.
  void send_batch(const SubmitBatch& batch) {
    ++link_->frames_sent;
    ++link_->submit_frames_sent;
    link_->jobs_sent += batch.entries.size();
    self_
        ->request(seat_->session, caf::infinite,
                  Frame{protocol_, "submit", batch.bytes})
        .then(
            [this, n = batch.number](Frame& frame) {
              begin_turn();
              batch_answered(n, frame);
              end_turn();
            },
            [this, n = batch.number, g = generation_](caf::error& e) {
              begin_turn();
              batch_failed(n, g, e);
              end_turn();
            });
  }

  void send_call(std::uint64_t n, Call& call) {
    ++link_->frames_sent;
    Frame frame{protocol_, call.type,
                call.repeatable ? call.bytes : std::move(call.bytes)};
    self_->request(seat_->session, caf::infinite, std::move(frame))
        .then(
            [this, n, store = store_](Frame& answer) {
              begin_turn();
              call_answered(n, store, answer);
              end_turn();
            },
            [this, n, g = generation_](caf::error& e) {
              begin_turn();
              call_failed(n, g, e);
              end_turn();
            });
  }

  // -- answers ----------------------------------------------------------------

  void heard() {
    ++link_->frames_received;
    backoff_ms_ = link_->options.backoff_ms;
  }

  void batch_answered(std::uint64_t n, const Frame& frame) {
    heard();
    auto reply = read_reply<SubmitRequest>(frame);
    if (!reply && postpone_batch(n, reply.error())) return;
    complete_batch(n, std::move(reply));
  }

  // The head has no room, or did not get it done: the same batch again, later.
  bool postpone_batch(std::uint64_t n, const Error& e) {
    if (e.code != Errc::unavailable || e.retry_after_ms <= 0) return false;
    submit_pause_ms_ = now() + e.retry_after_ms;
    std::lock_guard lock{link_->mutex};
    link_->submits.send_again(n);
    return true;
  }

  void batch_failed(std::uint64_t n, std::uint64_t generation,
                    const caf::error& e) {
    if (e.category() == caf::type_id_v<Errc>) {
      complete_batch(n, from_caf(e));
    } else if (generation == generation_) {
      lost();
    }
  }

  void complete_batch(std::uint64_t n, Result<SubmitReply> reply) {
    std::optional<SubmitBatch> batch;
    {
      std::lock_guard lock{link_->mutex};
      batch = link_->submits.answered(n);
    }
    if (batch) complete(*std::move(batch), std::move(reply));
  }

  void call_answered(std::uint64_t n, std::uint64_t store, Frame& frame) {
    heard();
    if (frame.type == kErrorFrame) return call_refused(n, read_error(frame));
    finish(n, Answer{std::move(frame.type), std::move(frame.bytes), store});
  }

  void call_failed(std::uint64_t n, std::uint64_t generation,
                   const caf::error& e) {
    if (e.category() == caf::type_id_v<Errc>)
      call_refused(n, from_caf(e));
    else if (generation == generation_)
      lost();
  }

  void call_refused(std::uint64_t n, Error e) {
    const auto* call = calls_.find(n);
    if (!call) return;
    const bool again = e.code == Errc::unavailable && call->repeatable &&
                       (e.retry_after_ms > 0 || call->patient);
    if (!again) return finish(n, std::move(e));
    calls_.postpone(n, now() + (e.retry_after_ms > 0 ? e.retry_after_ms
                                                     : kUnhintedPauseMs));
  }

  void finish(std::uint64_t n, Result<Answer> answer) {
    if (auto call = calls_.take(n)) tell(call->done, std::move(answer));
  }

  static void tell_all(const std::vector<Call>& calls, const Error& error) {
    for (const auto& call : calls) tell(call.done, error);
  }

  // -- the connection ---------------------------------------------------------

  void take_seat(Seat seat) {
    if (!store_id_.empty() && store_id_ != seat.hello.store_id) other_store();
    store_id_ = seat.hello.store_id;
    protocol_ = seat.hello.protocol;
    self_->monitor(seat.session);
    {
      std::lock_guard lock{link_->mutex};
      link_->submits.limit_window(seat.hello.window_jobs);
    }
    seat_ = std::move(seat);
    phase_ = Phase::ready;
    submit_pause_ms_ = 0;
  }

  // A pull's cursor would be misunderstood there.
  void other_store() {
    ++store_;
    tell_all(calls_.take_type(FrameOf<PullRequest>::name), stale_cursor());
  }

  void lost() {
    self_->demonitor(seat_->session);
    seat_.reset();
    ++generation_;
    {
      std::lock_guard lock{link_->mutex};
      link_->submits.connection_lost();
    }
    tell_all(calls_.connection_lost(),
             {Errc::timeout,
              "the connection to the head was lost before its answer; the "
              "outcome is unknown"});
    if (!link_->options.reconnect)
      return break_for_good({Errc::unavailable,
                             "the connection to the head was lost, and this "
                             "client was told not to reconnect"});
    pause();
  }

  void pause() {
    const auto jitter = static_cast<std::int64_t>(random_->next() % 1'000) *
                        backoff_ms_ / 4'000;
    redial_ms_ = now() + backoff_ms_ + jitter;
    backoff_ms_ = std::min(std::max<std::int64_t>(backoff_ms_, 1) * 2,
                           link_->options.max_backoff_ms);
    phase_ = Phase::pausing;
  }

  // Dialling blocks: it has a thread of its own for as long as it takes.
  void start_dialling() {
    phase_ = Phase::dialling;
    self_->home_system().spawn<caf::detached>([link = link_, dial = dial_] {
      auto seat = dial();
      {
        std::lock_guard lock{link->mutex};
        link->dialled = std::move(seat);
      }
      link->wake();
    });
  }

  void finish_dialling(Result<Seat> seat) {
    if (seat) {
      ++link_->reconnects;
      unreachable_.reset();
      return take_seat(*std::move(seat));
    }
    unreachable_ = seat.error();
    // For ever: no certificate that was withdrawn is given back.
    if (unreachable_->code == Errc::denied)
      return break_for_good(*unreachable_);
    if (is_refusal(unreachable_->code)) {
      fail_all(*unreachable_);
      backoff_ms_ = link_->options.max_backoff_ms;
    }
    pause();
  }

  void break_for_good(Error why) {
    phase_ = Phase::broken;
    broken_ = std::move(why);
    fail_all(broken_);
  }

  void fail_all(const Error& why) {
    std::vector<SubmitBatch> batches;
    {
      std::lock_guard lock{link_->mutex};
      batches = link_->submits.drain();
    }
    for (auto& batch : batches) complete(std::move(batch), why);
    tell_all(calls_.drain(), why);
  }

  // -- time -------------------------------------------------------------------

  Error out_of_time() const {
    std::string text =
        "no answer in time; the outcome is unknown, asking again with the same "
        "id is safe";
    if (unreachable_)
      text += " (the head cannot be reached: " + unreachable_->message + ")";
    return {Errc::timeout, std::move(text)};
  }

  void expire() {
    const auto at = now();
    tell_all(calls_.take_expired(at), out_of_time());
    Overdue overdue;
    {
      std::lock_guard lock{link_->mutex};
      overdue = link_->submits.expire(at);
    }
    for (auto& done : overdue) [&]() noexcept { done(out_of_time()); }();
  }

  void set_armed(SteadyMs at_ms) {
    armed_ms_ = at_ms;
    std::lock_guard lock{link_->mutex};
    link_->armed_ms = at_ms;
  }

  void arm() {
    auto next = phase_ == Phase::pausing ? redial_ms_ : kNever;
    if (auto at = calls_.next_time()) next = std::min(next, *at);
    {
      std::lock_guard lock{link_->mutex};
      if (auto deadline = link_->submits.next_deadline())
        next = std::min(next, *deadline);
      if (link_->submits.waiting_jobs() > 0 && submit_pause_ms_ > now())
        next = std::min(next, submit_pause_ms_);
    }
    if (next >= armed_ms_) return;
    set_armed(next);
    const auto left = std::max<std::int64_t>(next - now(), 1);
    self_->delayed_send(self_, std::chrono::milliseconds{left}, flush_atom_v);
  }

  SelfActor::pointer self_;
  std::shared_ptr<Link> link_;  // Shared with the Connection and dialling.
  Dial dial_;
  Seat first_seat_;
  std::unique_ptr<Random> random_;
  Phase phase_ = Phase::pausing;
  std::optional<Seat> seat_;
  std::uint64_t generation_ = 0;  // Of the connection.
  std::uint64_t store_ = 1;
  std::string store_id_;
  std::uint16_t protocol_ = kProtocolMax;
  CallTable calls_;
  SteadyMs submit_pause_ms_ = 0;
  SteadyMs redial_ms_ = 0;
  SteadyMs armed_ms_ = kNever;
  std::int64_t backoff_ms_;
  std::optional<Error> unreachable_;  // Why the last dialling failed.
  Error broken_;
  bool closed_ = false;
};

using LinkActor = cluster::OnNetworkThread<SelfActor::stateful_impl<LinkState>>;

}  // namespace

void Link::post(Call call) {
  {
    std::lock_guard lock{mutex};
    calls.push_back(std::move(call));
  }
  wake();
}

Status Link::submit(const JobSpec& spec, SteadyMs deadline_ms,
                    SubmitCallback done) {
  {
    std::lock_guard lock{mutex};
    auto added = submits.add(spec, deadline_ms, std::move(done));
    if (!added) return added;
    // Else it goes out when an answer comes, and nobody is woken for nothing.
    if (!submits.can_send() && armed_ms <= deadline_ms) return ok();
  }
  wake();
  return ok();
}

void Link::wake() {
  caf::actor sleeper;
  {
    std::lock_guard lock{mutex};
    if (std::exchange(awake, true)) return;
    sleeper = actor;
  }
  caf::anon_send(sleeper, wake_atom_v);
}

void spawn_link(caf::actor_system& sys, std::shared_ptr<Link> link, Seat seat,
                Dial dial) {
  link->awake = true;  // Nobody wakes it before it can be named.
  auto actor = sys.spawn<LinkActor>(link, std::move(seat), std::move(dial));
  {
    std::lock_guard lock{link->mutex};
    link->actor = caf::actor_cast<caf::actor>(actor);
  }
  caf::anon_send(actor, wake_atom_v);
}

}  // namespace troupe::client
