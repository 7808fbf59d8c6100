#include "platform/event_loop.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

namespace troupe::platform {

namespace {

// Number and generation of a watched descriptor in one epoll word.
std::uint64_t pack(int fd, std::uint64_t id) {
  return (id << 32) | static_cast<std::uint32_t>(fd);
}

}  // namespace

EventLoop::EventLoop(Fd epoll, Fd wake)
    : epoll_{std::move(epoll)}, wake_{std::move(wake)} {}

Result<std::unique_ptr<EventLoop>> EventLoop::create() {
  Fd epoll{::epoll_create1(EPOLL_CLOEXEC)};
  if (!epoll) return errno_error("epoll_create", errno);
  Fd wake{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  if (!wake) return errno_error("eventfd", errno);
  std::unique_ptr<EventLoop> loop{
      new EventLoop{std::move(epoll), std::move(wake)}};
  const int fd = loop->wake_.get();
  auto watching = loop->watch(fd, [raw = loop.get()] { raw->run_posted(); });
  if (!watching) return watching.error();
  return loop;
}

Status EventLoop::watch(int fd, Handler handler) {
  const auto id = next_id_++ & 0xFFFFFFFFu;
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = pack(fd, id);
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0)
    return errno_error("epoll_ctl", errno);
  watched_[fd] = {id, std::make_shared<Handler>(std::move(handler))};
  return ok();
}

void EventLoop::remove(int fd) {
  if (watched_.erase(fd) > 0)
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

EventLoop::TimerId EventLoop::at(Clock::time_point time, Handler handler) {
  const TimerId id = next_id_++;
  timers_.emplace(std::pair{time, id}, std::move(handler));
  timer_times_.emplace(id, time);
  return id;
}

void EventLoop::cancel(TimerId timer) {
  const auto it = timer_times_.find(timer);
  if (it == timer_times_.end()) return;
  timers_.erase({it->second, timer});
  timer_times_.erase(it);
}

void EventLoop::post(Handler work) {
  {
    const std::lock_guard lock{mutex_};
    posted_.push_back(std::move(work));
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto n = ::write(wake_.get(), &one, sizeof one);
}

void EventLoop::quit() {
  post([this] { running_ = false; });
}

void EventLoop::run() {
  std::array<epoll_event, 64> events;
  while (running_) {
    const int n = ::epoll_wait(epoll_.get(), events.data(),
                               static_cast<int>(events.size()), wait_ms());
    TROUPE_ASSERT(n >= 0 || errno == EINTR);
    for (int i = 0; i < n; ++i) {
      const auto word = events[static_cast<std::size_t>(i)].data.u64;
      const auto it = watched_.find(static_cast<int>(word & 0xFFFFFFFFu));
      if (it == watched_.end() || it->second.id != word >> 32) continue;
      const auto handler = it->second.handler;
      (*handler)();
    }
    run_timers();
  }
}

int EventLoop::wait_ms() const {
  if (timers_.empty()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(
      timers_.begin()->first.first - Clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, INT_MAX));
}

void EventLoop::run_posted() {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto n = ::read(wake_.get(), &count, sizeof count);
  std::vector<Handler> work;
  {
    const std::lock_guard lock{mutex_};
    work.swap(posted_);
  }
  for (auto& one : work) one();
}

void EventLoop::run_timers() {
  const auto now = Clock::now();
  while (!timers_.empty() && timers_.begin()->first.first <= now) {
    auto first = timers_.extract(timers_.begin());
    timer_times_.erase(first.key().second);
    first.mapped()();
  }
}

}  // namespace troupe::platform
