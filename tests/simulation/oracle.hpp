// The plain model of what a node promises, kept outside the node: it hears what
// clients were told and what a follower saw, and says which promise was broken.
// It shares no decision with the code under test.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/change.hpp"
#include "core/device.hpp"
#include "tests/simulation/log_hash.hpp"

namespace troupe::simulation {

/// As a violation names it.
inline std::string name_of(const JobId& id) {
  return "job " + to_string(id);
}

/// The result that an honest attempt under `token` reports.
std::string work_result(const Token& token);

/// What those that use a model on a device hold there together: its bytes
/// once, and a slot for every `batch` of them.
struct SharedModel {
  std::string name;
  std::uint64_t bytes = 0;
  std::uint32_t batch = 1;
};

struct OracleOptions {
  std::vector<DeviceInfo> devices;
  std::vector<SharedModel> models;
  /// After each such step of waiting a job stands one class higher, at most
  /// `high`; no job of its tenant that ranks behind it goes first.
  std::int64_t ageing_step_ms = 0;  // 0: not checked.
  /// A start that was decided so long before it is on the log is no fault.
  std::int64_t slack_ms = 4'000;
  bool print = false;  // Every entry seen, for people.
};

class Oracle {
 public:
  struct Job {
    JobSpec spec;
    JobState state = JobState::queued;
    std::uint32_t seq = 0;
    std::uint32_t attempt = 0;
    std::uint64_t attempt_epoch = 0;
    std::string device;        // Of the newest attempt.
    std::uint64_t bytes = 0;   // It reserved, with its model's.
    UnixMs not_before_ms = 0;  // Of the newest back-off.
    std::uint32_t ends = 0;
    std::uint64_t end_index = 0;
    UnixMs queued_ms = 0;     // When it last became queued.
    std::uint64_t index = 0;  // Of `submitted`.
  };

  explicit Oracle(OracleOptions options);

  /// A client was told that the job is accepted.
  void told_accepted(JobId id);
  /// A client was told that the job is refused, or that its outcome is open.
  void told_refused(JobId id);
  /// A client was told that the job has this state.
  void told_state(JobId id, JobState state);

  /// The follower's next entry. Entries it saw before must be the same.
  void saw(const LogEntry& entry);

  /// Somebody was shown this entry on another way.
  void was_shown(const LogEntry& entry);

  /// Nothing is on its way: whatever a client was told must be seen by now.
  void check_settled();
  /// Faults stopped and time ran on: every job must have ended.
  void check_finished();
  /// The ledger as the memory manager tells it.
  void check_ledger(const LedgerReport& report);

  const std::vector<std::string>& violations() const { return violations_; }
  void violation(std::string what);

  const std::map<JobId, Job>& jobs() const { return jobs_; }
  const Job* find(JobId id) const;
  std::uint64_t last_index() const { return last_index_; }
  std::uint64_t epoch() const { return epoch_; }
  std::size_t live() const;

  /// Over everything seen: two runs of one seed agree in it.
  std::uint64_t log_hash() const { return hash_.value(); }

  /// "blocked>queued" and so on, as seen so far.
  const std::set<std::string>& moves() const { return moves_; }
  const std::set<FailureClass>& failure_classes() const { return classes_; }
  /// Attempts whose record says device_lost.
  std::uint64_t devices_lost() const { return devices_lost_; }

 private:
  void apply(const LogEntry& entry);
  void move(Job& job, const LogEntry& entry, JobState to);
  void on_submitted(const LogEntry& entry);
  void on_started(Job& job, const LogEntry& entry);
  void on_ended(Job& job, const LogEntry& entry);
  void on_control(const Change& change);
  void on_failure(const Failure& failure);
  void check_start_is_due(const Job& job, const LogEntry& entry);
  void check_room(const std::string& device, std::uint64_t index);
  void check_turn(const Job& started, const LogEntry& entry);
  void check_overtaken(UnixMs now);
  bool could_start_instead(const Job& job, const Job& started,
                           const LogEntry& entry) const;
  int level(const Job& job, UnixMs now) const;
  int standing(const Job& job, UnixMs now) const;
  bool is_paused(const Job& job, const LogEntry& start) const;
  const DeviceInfo* device(const std::string& name) const;
  const SharedModel* model(const std::string& name) const;

  // Maybe out of turn: it is, unless the job starts soon.
  struct Overtaken {
    JobId id;
    UnixMs at_ms = 0;
    std::string what;
  };

  OracleOptions options_;
  std::vector<std::string> violations_;
  std::vector<Overtaken> overtaken_;
  std::map<JobId, Job> jobs_;
  std::set<JobId> accepted_;
  std::map<JobId, JobState> told_terminal_;
  std::map<std::uint64_t, std::uint64_t> hash_at_;  // By index.
  std::optional<UnixMs> paused_;                    // Since when.
  std::map<std::string, UnixMs> paused_kinds_;
  std::map<std::string, UnixMs> paused_devices_;
  std::uint64_t last_index_ = 0;
  std::uint64_t epoch_ = 0;
  LogHash hash_;
  std::set<std::string> moves_;
  std::set<FailureClass> classes_;
  std::uint64_t devices_lost_ = 0;
};

}  // namespace troupe::simulation
