#include "platform/answering.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace troupe::platform {

// Shared with the thread, which may outlive who waits for it.
struct Answering::Look {
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;

  void end() {
    const std::lock_guard lock{mutex};
    done = true;
    changed.notify_all();
  }
  bool ends_within(std::int64_t ms) {
    std::unique_lock lock{mutex};
    return changed.wait_for(lock, std::chrono::milliseconds{ms},
                            [this] { return done; });
  }
};

Status Answering::look(const std::string& name, std::function<void()> look) {
  const Error silent{Errc::unavailable,
                     name +
                         " does not answer: its file system is gone or very "
                         "slow; when it is back, ask again"};
  if (const auto held = held_.find(name); held != held_.end()) {
    if (!held->second->ends_within(0)) return silent;
    held_.erase(held);
  }
  auto shared = std::make_shared<Look>();
  try {
    std::thread{[shared, look = std::move(look)] {
      look();
      shared->end();
    }}.detach();
  } catch (const std::system_error&) {
    return Error{Errc::unavailable, "no thread could be started"};
  }
  if (shared->ends_within(timeout_ms_)) return ok();
  held_.emplace(name, std::move(shared));
  return silent;
}

}  // namespace troupe::platform
