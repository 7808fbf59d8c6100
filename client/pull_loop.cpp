#include "client/pull_loop.hpp"

#include <chrono>
#include <utility>

#include "client/ask.hpp"

namespace troupe::client {
namespace {

// A pull is held back at the head this long when there is nothing: short
// enough to notice a head that is frozen, long enough to cost nothing.
constexpr std::int64_t kHoldMs = 10'000;

// What another pull, later, can mend.
bool is_passing(Errc code) {
  return code == Errc::timeout || code == Errc::unavailable;
}

}  // namespace

PullLoop::PullLoop(Connection& connection, FollowOptions options)
    : connection_{connection}, cursor_{options} {}

void PullLoop::start() {
  pull();
}

void PullLoop::start_calling(FollowCallback callback) {
  callback_ = std::move(callback);
  pull();
}

void PullLoop::start_notifying(std::function<void()> ready) {
  ready_notice_ = std::move(ready);
  pull();
}

void PullLoop::pull() {
  std::int64_t wait_ms = kHoldMs;
  Call call;
  {
    std::lock_guard lock{mutex_};
    if (stopped_ || pulling_ || failed_ || cursor_.finished()) return;
    pulling_ = true;
    const auto deadline = system_steady_clock().now() + wait_ms +
                          connection_.options().timeout_ms;
    call = make_call(cursor_.next(wait_ms), deadline,
                     [self = shared_from_this()](Result<Answer> answer) {
                       self->answered(std::move(answer));
                     });
  }
  call.patient = true;
  connection_.call(std::move(call));
}

void PullLoop::answered(Result<Answer> answer) {
  auto batch = read(std::move(answer));
  if (!batch) return pull();
  if (!callback_) return deliver(*std::move(batch));
  pull();  // Under way while the callback works.
  deliver(*std::move(batch));
}

// Nothing: there is nothing to hand out, go on pulling.
std::optional<Result<FollowBatch>> PullLoop::read(Result<Answer> answer) {
  std::lock_guard lock{mutex_};
  pulling_ = false;
  const auto store = answer ? answer->store : store_;
  auto reply = read_answer<PullRequest>(std::move(answer));
  if (reply && store_ != 0 && store != store_) reply = stale_cursor();
  if (!reply) {
    if (is_passing(reply.error().code) && connection_.options().reconnect)
      return std::nullopt;
    failed_ = reply.error();
    changed_.notify_all();
    return reply;
  }
  store_ = store;
  const bool floated = cursor_.floating();
  cursor_.advance(*reply);
  if (floated) changed_.notify_all();
  if (reply->entries.empty() && reply->live.empty() && reply->live_lost == 0)
    return std::nullopt;
  return reply;
}

void PullLoop::deliver(Result<FollowBatch> batch) {
  std::unique_lock lock{mutex_};
  if (stopped_) return;
  delivering_ = true;
  if (callback_) {
    lock.unlock();
    changed_.notify_all();
    callback_(std::move(batch));
  } else {
    ready_ = std::move(batch);
    lock.unlock();
    changed_.notify_all();
  }
  if (ready_notice_) ready_notice_();
  lock.lock();
  delivering_ = false;
  changed_.notify_all();
}

Status PullLoop::wait_for_start(std::int64_t timeout_ms) {
  std::unique_lock lock{mutex_};
  const bool known =
      changed_.wait_for(lock, std::chrono::milliseconds{timeout_ms},
                        [this] { return !cursor_.floating() || failed_; });
  if (failed_) return *failed_;
  if (!known)
    return Error{Errc::timeout,
                 "the head did not say in time where its log "
                 "ends"};
  return ok();
}

Result<FollowBatch> PullLoop::take(std::int64_t timeout_ms) {
  Result<FollowBatch> batch = FollowBatch{};
  {
    std::unique_lock lock{mutex_};
    changed_.wait_for(lock, std::chrono::milliseconds{timeout_ms},
                      [this] { return ready_ || failed_ || taken_end_; });
    if (ready_) {
      batch = *std::exchange(ready_, std::nullopt);
      taken_end_ = cursor_.finished();
    } else if (failed_) {
      return *failed_;
    } else {
      return batch;
    }
  }
  pull();
  return batch;
}

bool PullLoop::finished() const {
  std::lock_guard lock{mutex_};
  return taken_end_;
}

void PullLoop::stop() {
  std::unique_lock lock{mutex_};
  stopped_ = true;
  if (connection_.on_own_thread()) return;
  changed_.wait(lock, [this] { return !delivering_; });
}

}  // namespace troupe::client
