// One thread that waits for descriptors, times and posted work, and polls
// nothing. Knows nothing of what it waits for.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "core/result.hpp"
#include "platform/fd.hpp"

namespace troupe::platform {

/// All but post() and quit() are for the thread inside run() (or, before it,
/// for the one that made the loop). Handlers may add and remove anything,
/// themselves included.
class EventLoop {
 public:
  using Clock = std::chrono::steady_clock;
  using Handler = std::function<void()>;
  /// Never 0; unique within the loop.
  using TimerId = std::uint64_t;

  /// Errors: unavailable (no descriptors left).
  static Result<std::unique_ptr<EventLoop>> create();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  /// Calls `handler` whenever `fd` can be read or its other end is closed.
  /// `fd` stays open until remove(). Errors: unavailable, out_of_memory.
  Status watch(int fd, Handler handler);
  void remove(int fd);

  TimerId at(Clock::time_point time, Handler handler);
  void cancel(TimerId timer);

  /// From any thread: `work` runs on the loop's thread, in order.
  void post(Handler work);
  /// From any thread: run() returns after what was posted before.
  void quit();

  void run();

 private:
  EventLoop(Fd epoll, Fd wake);
  int wait_ms() const;
  void run_posted();
  void run_timers();

  struct Watched {
    std::uint64_t id = 0;  // An event for an earlier user of the number is old.
    std::shared_ptr<Handler>
        handler;  // Alive while it runs and removes itself.
  };

  Fd epoll_;
  Fd wake_;
  std::uint64_t next_id_ = 1;
  std::unordered_map<int, Watched> watched_;
  std::map<std::pair<Clock::time_point, TimerId>, Handler> timers_;
  std::unordered_map<TimerId, Clock::time_point> timer_times_;
  bool running_ = true;
  std::mutex mutex_;
  std::vector<Handler> posted_;  // Guarded by mutex_.
};

}  // namespace troupe::platform
