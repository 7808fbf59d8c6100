#include "actors/job_history.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <algorithm>
#include <chrono>
#include <deque>

#include "actors/errors.hpp"
#include "actors/supervisor.hpp"

namespace troupe {
namespace {

using SelfActor = Supervised<JobHistoryActor>::extend<
    caf::result<void>(flush_atom), caf::result<void>(wake_atom),
    caf::result<void>(step_atom), caf::result<void>(report_atom)>;

// An append that is not on the log yet.
struct Waiting {
  AppendRequest request;
  caf::typed_response_promise<Appended> promise;
};

class JobHistoryState {
 public:
  static inline const char* name = "troupe.job-history";

  JobHistoryState(SelfActor::pointer self, JobHistoryOptions options)
      : self_{self}, options_{std::move(options)}, store_{*options_.store} {}

  SelfActor::behavior_type make_behavior() {
    upkeep_later();
    index_soon();
    return {
        [this](append_atom, AppendRequest& request) {
          return append(std::move(request));
        },
        [this](barrier_atom) { return barrier(); },
        [this](bind_atom, const std::string&, const caf::actor& hub) {
          options_.hub = caf::actor_cast<EventHubActor>(hub);
        },
        [this](flush_atom) {
          flush_sent_ = false;
          flush();
        },
        [this](wake_atom) {
          wake_sent_ = false;
          flush();
        },
        [this](step_atom) {
          step_sent_ = false;
          index();
        },
        [this](report_atom) { upkeep(); },
    };
  }

 private:
  caf::result<Appended> append(AppendRequest request) {
    if (request.changes.empty()) return Appended{store_.last_index() + 1};
    const bool urgent = request.sync;
    auto promise = self_->make_response_promise<Appended>();
    waiting_.push_back({std::move(request), promise});
    if (urgent)
      flush_soon();
    else
      wake_later(options_.linger_ms);
    return promise;
  }

  // Lands behind everything that is in the mailbox now, so all of it shares
  // one batch.
  void flush_soon() {
    if (std::exchange(flush_sent_, true)) return;
    self_->send(self_, flush_atom_v);
  }

  void wake_later(std::int64_t ms) {
    if (std::exchange(wake_sent_, true)) return;
    self_->delayed_send(self_, std::chrono::milliseconds(ms), wake_atom_v);
  }

  void flush() {
    while (!waiting_.empty()) {
      auto batch = take_batch();
      if (auto done = commit(batch); !done) {
        refuse_or_keep(std::move(batch), done.error());
        return;
      }
    }
    for (auto& promise : std::exchange(barriers_, {})) promise.deliver();
    index_soon();
  }

  // Indexes follow the log while nobody waits for the disk. Under steady load
  // the store indexes by itself before it lags too far.
  void index_soon() {
    if (in_generation_ || is_far_behind())
      step_soon();
    else
      idle_later();
  }

  bool is_far_behind() const {
    return store_.last_index() - store_.indexed_index() >= options_.index_after;
  }

  void step_soon() {
    if (std::exchange(step_sent_, true)) return;
    self_->send(self_, step_atom_v);
  }

  void idle_later() {
    if (std::exchange(idle_sent_, true)) return;
    idle_index_ = store_.last_index();
    self_->run_delayed(std::chrono::milliseconds(options_.index_idle_ms),
                       [this] { idle(); });
  }

  void idle() {
    idle_sent_ = false;
    if (store_.last_index() == idle_index_)
      step_soon();
    else
      idle_later();
  }

  void index() {
    if (!waiting_.empty()) return;  // The flush to come asks again.
    const auto before = store_.indexed_index();
    auto more = store_.index_step(options_.index_jobs);
    in_generation_ = more && *more && store_.indexed_index() == before;
    if (more && *more) index_soon();
  }

  void upkeep_later() {
    self_->delayed_send(self_, std::chrono::milliseconds(options_.upkeep_ms),
                        report_atom_v);
  }

  void upkeep() {
    upkeep_later();
    store_.refresh();
    tell_disk();
    since_sweep_ms_ += options_.upkeep_ms;
    if (!sweeping_ && since_sweep_ms_ < options_.sweep_ms) return;
    since_sweep_ms_ = 0;
    auto swept =
        store_.retain_step(options_.retention, options_.clock->now(), {});
    sweeping_ = swept && swept->more;
    if (swept && !swept->orphaned.empty() && options_.orphaned)
      options_.orphaned(std::move(swept->orphaned));
  }

  void tell_disk() {
    const auto accepting = store_.accepting();
    const auto code =
        accepting ? std::optional<Errc>{} : accepting.error().code;
    if (code == disk_told_) return;
    disk_told_ = code;
    if (options_.disk_changed) options_.disk_changed(accepting);
  }

  std::vector<Waiting> take_batch() {
    std::vector<Waiting> batch;
    std::size_t changes = 0;
    while (
        !waiting_.empty() &&
        (batch.empty() || changes + waiting_.front().request.changes.size() <=
                              options_.max_batch_changes)) {
      changes += waiting_.front().request.changes.size();
      batch.push_back(std::move(waiting_.front()));
      waiting_.pop_front();
    }
    return batch;
  }

  // All of the batch or nothing; on success the replies have left.
  Status commit(std::vector<Waiting>& batch) {
    std::vector<Change> changes;
    std::vector<std::size_t> sizes;
    for (auto& w : batch) {
      sizes.push_back(w.request.changes.size());
      std::ranges::move(w.request.changes, std::back_inserter(changes));
    }
    if (options_.answer_before_sync)
      answer(batch, sizes, store_.last_index() + 1);
    auto first = store_.commit(changes, /*sync=*/true);
    if (!first) {
      give_back(batch, sizes, std::move(changes));
      return first.error();
    }
    answer(batch, sizes, *first);
    publish(*first, std::move(changes));
    return ok();
  }

  static void answer(std::vector<Waiting>& batch,
                     const std::vector<std::size_t>& sizes,
                     std::uint64_t index) {
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (batch[i].promise.pending()) batch[i].promise.deliver(Appended{index});
      index += sizes[i];
    }
  }

  static void give_back(std::vector<Waiting>& batch,
                        const std::vector<std::size_t>& sizes,
                        std::vector<Change> changes) {
    auto next = changes.begin();
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const auto end = next + static_cast<std::ptrdiff_t>(sizes[i]);
      batch[i].request.changes.assign(std::make_move_iterator(next),
                                      std::make_move_iterator(end));
      next = end;
    }
  }

  void publish(std::uint64_t first, std::vector<Change> changes) {
    Committed committed;
    committed.entries.reserve(changes.size());
    for (auto& change : changes)
      committed.entries.push_back({first++, store_.epoch(), std::move(change)});
    self_->send(options_.hub, committed_atom_v, std::move(committed));
  }

  // Submits are told at once; what must not be lost waits for the disk, in
  // its order.
  void refuse_or_keep(std::vector<Waiting> batch, const Error& why) {
    tell_disk();
    std::deque<Waiting> kept;
    bool refused = false;
    std::ranges::move(batch, std::back_inserter(kept));
    std::ranges::move(waiting_, std::back_inserter(kept));
    waiting_.clear();
    for (auto& w : kept) {
      if (!w.request.refusable) {
        waiting_.push_back(std::move(w));
        continue;
      }
      refused = true;
      auto error = why;
      if (error.retry_after_ms == 0) error.retry_after_ms = 1'000;
      w.promise.deliver(to_caf(error));
    }
    if (waiting_.empty()) return;
    // Without the submits in it the batch may use the reserve: once more now.
    if (refused)
      flush_soon();
    else
      wake_later(options_.retry_ms);
  }

  caf::result<void> barrier() {
    store_.mend_index();  // Who asks is about to read it all.
    if (waiting_.empty()) return caf::unit;
    auto promise = self_->make_response_promise<void>();
    barriers_.push_back(promise);
    flush_soon();
    return promise;
  }

  SelfActor::pointer self_;
  JobHistoryOptions options_;
  JobStore& store_;
  std::deque<Waiting> waiting_;
  std::vector<caf::typed_response_promise<void>> barriers_;
  bool flush_sent_ = false;
  bool wake_sent_ = false;
  bool step_sent_ = false;
  bool idle_sent_ = false;
  std::uint64_t idle_index_ = 0;   // The log's end when idle was sent.
  bool in_generation_ = false;     // A stretch of the log is half indexed.
  std::optional<Errc> disk_told_;  // Why submits were refused, last told.
  bool sweeping_ = false;          // The last step left something to forget.
  std::int64_t since_sweep_ms_ = 0;
};

}  // namespace

JobHistoryActor spawn_job_history(caf::actor_system& sys,
                                  JobHistoryOptions options) {
  using Impl = SelfActor::stateful_impl<JobHistoryState>;
  if (options.own_thread)
    return sys.spawn<Impl, caf::detached>(std::move(options));
  return sys.spawn<Impl>(std::move(options));
}

}  // namespace troupe
