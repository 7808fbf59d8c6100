// The oracle of the crash test, outside the node's process: what was asked for,
// what was acknowledged and what the jobs themselves left behind.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "client/client.hpp"
#include "core/job.hpp"

namespace troupe::test {

/// What a job shall leave: one file whose content depends on its id alone.
std::string expected_content(JobId id);

/// Safe to call from every thread.
class Journal {
 public:
  /// `witnesses`: a folder in which each attempt adds a line to a file of its
  /// job's name. `marker`: an entry of the environment of every attempt.
  Journal(std::filesystem::path witnesses, std::string marker);

  /// A job that writes its file after `sleep_ms`; its outside effects may
  /// happen once only when `once`.
  JobSpec job(JobId id, std::int64_t sleep_ms, bool once) const;

  void asked(const JobSpec& spec);
  void acknowledged(JobId id);
  void refused(JobId id, const Error& error);

  std::size_t unanswered() const;
  std::vector<JobId> acknowledged_ids() const;
  std::vector<std::string> refusals() const;

  /// All that is wrong with what the node says of one acknowledged job now.
  std::vector<std::string> faults_of(const JobView& view) const;
  /// Likewise with the durable events of that job.
  std::vector<std::string> faults_of(JobId id,
                                     const std::vector<LogEntry>& events) const;

 private:
  std::uint32_t attempts_seen(JobId id) const;

  std::filesystem::path witnesses_;
  std::string marker_;
  mutable std::mutex mutex_;
  std::map<JobId, bool> open_;  // Asked, not answered; the value: once.
  std::map<JobId, bool> acknowledged_;
  std::vector<std::string> refusals_;
};

}  // namespace troupe::test
