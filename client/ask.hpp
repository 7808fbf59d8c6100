// Blocking questions on top of a Connection: one request, one typed answer,
// within a finite time. Internal to client/.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "client/connection.hpp"
#include "cluster/frames.hpp"
#include "core/clock.hpp"
#include "core/result.hpp"

namespace troupe::client {

/// What one thread puts in and another waits for, once.
template <class T>
class Slot {
 public:
  void put(T value) {
    std::lock_guard lock{mutex_};
    value_ = std::move(value);
    filled_.notify_all();
  }
  bool is_filled_within(std::chrono::milliseconds time) {
    std::unique_lock lock{mutex_};
    return filled_.wait_for(lock, time, [this] { return value_.has_value(); });
  }
  /// Nothing when it was not filled by then.
  std::optional<T> take_until(std::chrono::steady_clock::time_point deadline) {
    std::unique_lock lock{mutex_};
    filled_.wait_until(lock, deadline, [this] { return value_.has_value(); });
    return std::exchange(value_, std::nullopt);
  }

 private:
  std::mutex mutex_;
  std::condition_variable filled_;
  std::optional<T> value_;
};

/// The connection ends calls by itself at their deadline; this much later a
/// waiting thread gives up on the connection: somebody's callback blocks it.
inline constexpr std::chrono::seconds kGrace{5};
/// Who may give up while it waits is asked that often.
inline constexpr std::chrono::milliseconds kAskMs{100};

inline std::chrono::steady_clock::time_point give_up_at(
    std::int64_t timeout_ms) {
  return std::chrono::steady_clock::now() +
         std::chrono::milliseconds{timeout_ms} + kGrace;
}

inline Error blocked_connection() {
  return {Errc::timeout,
          "the client's own thread is blocked, probably by a callback; the "
          "outcome is unknown"};
}

inline Error blocking_call_in_callback() {
  return {Errc::invalid_argument,
          "a call that blocks was made inside a callback of the client"};
}

template <class Request>
Result<typename FrameOf<Request>::Reply> read_answer(Result<Answer> answer) {
  if (!answer) return answer.error();
  return read_reply<Request>(
      Frame{kProtocolMax, std::move(answer->type), std::move(answer->bytes)});
}

template <class Request>
Call make_call(const Request& request, SteadyMs deadline_ms,
               AnswerCallback done) {
  return {.type = std::string(FrameOf<Request>::name),
          .bytes = to_msgpack(request),
          .deadline_ms = deadline_ms,
          .done = std::move(done)};
}

/// An answer that is on its way. Keep it, ask for others, then take.
template <class Request>
class Pending {
 public:
  Pending(Connection& connection, const Request& request,
          std::int64_t timeout_ms, bool repeatable = true)
      : give_up_at_{client::give_up_at(timeout_ms)} {
    auto call = make_call(request, system_steady_clock().now() + timeout_ms,
                          [slot = slot_](Result<Answer> answer) {
                            slot->put(std::move(answer));
                          });
    call.repeatable = repeatable;
    connection.call(std::move(call));
  }

  /// False: `gives_up` said so, every kAskMs, before there was an answer.
  bool wait_unless(const std::function<bool()>& gives_up) {
    while (std::chrono::steady_clock::now() < give_up_at_) {
      if (slot_->is_filled_within(kAskMs)) return true;
      if (gives_up()) return false;
    }
    return true;
  }

  Result<typename FrameOf<Request>::Reply> take() {
    auto answer = slot_->take_until(give_up_at_);
    if (!answer) return blocked_connection();
    return read_answer<Request>(*std::move(answer));
  }

 private:
  std::chrono::steady_clock::time_point give_up_at_;
  // Shared with the callback, which may come after this is gone.
  std::shared_ptr<Slot<Result<Answer>>> slot_ =
      std::make_shared<Slot<Result<Answer>>>();
};

/// `timeout_ms` 0: the option's.
template <class Request>
Result<typename FrameOf<Request>::Reply> ask(Connection& connection,
                                             const Request& request,
                                             std::int64_t timeout_ms = 0,
                                             bool repeatable = true) {
  if (connection.on_own_thread()) return blocking_call_in_callback();
  return Pending<Request>{connection, request,
                          connection.timeout_or_default(timeout_ms), repeatable}
      .take();
}

}  // namespace troupe::client
