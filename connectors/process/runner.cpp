#include "connectors/process/runner.hpp"

#include <unistd.h>

#include <csignal>

#include "connectors/process/running_process.hpp"

namespace troupe {

std::string_view to_string(Stream stream) {
  switch (stream) {
    case Stream::out:
      return "stdout";
    case Stream::err:
      return "stderr";
    case Stream::node:
      return "node";
  }
  return "unknown";
}

Result<std::unique_ptr<ProcessRunner>> ProcessRunner::create(
    Options options, ProcessEvents& events) {
  if (::access(options.guard.c_str(), X_OK) != 0)
    return Error{Errc::not_found,
                 "the program " + options.guard.string() +
                     " is missing or cannot be run; it belongs beside troupe"};
  auto loop = platform::EventLoop::create();
  if (!loop) return loop.error();
  return std::unique_ptr<ProcessRunner>{
      new ProcessRunner{std::move(options), events, *std::move(loop)}};
}

ProcessRunner::ProcessRunner(Options options, ProcessEvents& events,
                             std::unique_ptr<platform::EventLoop> loop)
    : options_{std::move(options)},
      events_{events},
      loop_{std::move(loop)},
      thread_{[this] {
        // An order to a guard that is gone is an error code, not a signal.
        sigset_t all;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
        loop_->run();
      }} {}

ProcessRunner::~ProcessRunner() {
  loop_->post([this] { finish(); });
  thread_.join();
}

void ProcessRunner::start(ProcessSpec spec) {
  loop_->post([this, spec = std::move(spec)]() mutable {
    const auto key = spec.key;
    TROUPE_ASSERT(!attempts_.contains(key));
    auto [it, added] = attempts_.emplace(
        key, std::make_unique<RunningProcess>(std::move(spec), *loop_, events_,
                                              [this, key] { forget(key); }));
    it->second->start(options_.guard);
  });
}

void ProcessRunner::stop(std::string key) {
  loop_->post([this, key = std::move(key)] {
    const auto it = attempts_.find(key);
    if (it != attempts_.end()) it->second->stop(StopCause::ordered);
  });
}

void ProcessRunner::kill(std::string key) {
  loop_->post([this, key = std::move(key)] {
    const auto it = attempts_.find(key);
    if (it != attempts_.end()) it->second->kill();
  });
}

void ProcessRunner::post(std::function<void()> work) {
  loop_->post(std::move(work));
}

void ProcessRunner::after(std::int64_t delay_ms, std::function<void()> work) {
  loop_->at(
      platform::EventLoop::Clock::now() + std::chrono::milliseconds{delay_ms},
      std::move(work));
}

// Posted, because the attempt that calls is still on the stack.
void ProcessRunner::forget(const std::string& key) {
  loop_->post([this, key] {
    attempts_.erase(key);
    if (finishing_ && attempts_.empty()) loop_->quit();
  });
}

void ProcessRunner::finish() {
  finishing_ = true;
  if (attempts_.empty()) return loop_->quit();
  for (const auto& [key, attempt] : attempts_) attempt->kill();
}

}  // namespace troupe
