// Answers of many jobs, filled in by callbacks and waited for together.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "core/api.hpp"

namespace troupe::client {

class Answers {
 public:
  explicit Answers(std::size_t count) : answers_(count), open_{count} {}

  void put(std::size_t i, Result<SubmitAnswer> answer, JobId id) {
    std::lock_guard lock{mutex_};
    answers_[i].id = id;
    if (answer)
      answers_[i] = *std::move(answer);
    else
      answers_[i].error = std::move(answer.error());
    if (--open_ == 0) all_here_.notify_all();
  }

  std::optional<std::vector<SubmitAnswer>> take_until(
      std::chrono::steady_clock::time_point deadline) {
    std::unique_lock lock{mutex_};
    if (!all_here_.wait_until(lock, deadline, [this] { return open_ == 0; }))
      return std::nullopt;
    return std::move(answers_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable all_here_;
  std::vector<SubmitAnswer> answers_;
  std::size_t open_;
};

}  // namespace troupe::client
