// Collects what a runner tells, so that a test can wait for it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "connectors/process/runner.hpp"

namespace troupe {

class RecordedEvents : public ProcessEvents {
 public:
  struct Line {
    Stream stream;
    std::string text;
    friend bool operator==(const Line&, const Line&) = default;
  };

  void on_started(const std::string&,
                  const platform::ProcessIdentity& command) override {
    const std::lock_guard lock{mutex_};
    started_.push_back(command);
    news_.notify_all();
  }
  void on_line(const std::string&, Stream stream,
               const std::string& text) override {
    const std::lock_guard lock{mutex_};
    lines_.push_back({stream, text});
    news_.notify_all();
  }
  void on_progress(const std::string&, const Progress& progress) override {
    const std::lock_guard lock{mutex_};
    progress_.push_back(progress);
    news_.notify_all();
  }
  void on_quiet(const std::string&, std::int64_t silent_ms) override {
    const std::lock_guard lock{mutex_};
    quiet_.push_back(silent_ms);
    news_.notify_all();
  }
  void on_end(const std::string& key, const ProcessEnd& end) override {
    const std::lock_guard lock{mutex_};
    ends_.emplace(key, end);
    ++end_calls_;
    news_.notify_all();
  }

  // Each waits up to 30 s; false: it did not come.
  bool wait_for_line(const std::string& text) {
    return wait([&] {
      for (const auto& line : lines_)
        if (line.text == text) return true;
      return false;
    });
  }
  bool wait_for_quiet() {
    return wait([&] { return !quiet_.empty(); });
  }
  bool wait_for_started() {
    return wait([&] { return !started_.empty(); });
  }
  std::optional<ProcessEnd> wait_for_end(const std::string& key) {
    if (!wait([&] { return ends_.contains(key); })) return {};
    const std::lock_guard lock{mutex_};
    return ends_.at(key);
  }

  std::vector<Line> lines() {
    const std::lock_guard lock{mutex_};
    return lines_;
  }
  std::vector<Progress> progress() {
    const std::lock_guard lock{mutex_};
    return progress_;
  }
  std::vector<std::int64_t> quiet() {
    const std::lock_guard lock{mutex_};
    return quiet_;
  }
  std::vector<platform::ProcessIdentity> started() {
    const std::lock_guard lock{mutex_};
    return started_;
  }
  int end_calls() {
    const std::lock_guard lock{mutex_};
    return end_calls_;
  }

 private:
  template <class Holds>
  bool wait(Holds holds) {
    std::unique_lock lock{mutex_};
    return news_.wait_for(lock, std::chrono::seconds{30}, holds);
  }

  std::mutex mutex_;
  std::condition_variable news_;
  std::vector<Line> lines_;
  std::vector<Progress> progress_;
  std::vector<std::int64_t> quiet_;
  std::vector<platform::ProcessIdentity> started_;
  std::map<std::string, ProcessEnd> ends_;
  int end_calls_ = 0;
};

}  // namespace troupe
