// Attempts of process.run jobs from assignment to end: files in, command,
// files out. Speaks the executors' vocabulary without being an actor, so that
// it can be tested with real processes and no actor system.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "actors/executor.hpp"
#include "connectors/process/attempt_files.hpp"
#include "connectors/process/live_batch.hpp"
#include "connectors/process/runner.hpp"
#include "core/clock.hpp"
#include "platform/event_loop.hpp"

namespace troupe {

/// Hears what happens to attempts, on threads of their own: must be
/// thread-safe and quick.
class AttemptSink {
 public:
  virtual ~AttemptSink() = default;
  virtual void live(std::vector<LiveEvent> events) = 0;
  virtual void ended(AttemptEnd end) = 0;
  virtual void noted(AttemptNote note) = 0;
};

struct AttemptsOptions {
  std::filesystem::path folder;  // The connector's own, below the data folder.
  std::filesystem::path guard;   // The program troupe-guard.
  std::shared_ptr<ArtifactAccess> artifacts;  // Shared with other executors.
  std::map<std::string, std::string> environment;  // inherit_env takes of it.
  /// Whether a job has ended or was never heard of. Empty: nobody knows.
  std::function<bool(JobId)> is_over;
  unsigned umask = 0022;                          // Of the commands.
  const WallClock* clock = &system_wall_clock();  // Outlives this.
  std::int64_t live_interval_ms = 100;  // Between live events of an attempt.
  std::uint32_t max_quiet_notes = 100;  // Of an attempt; then live lines only.
};

class ProcessAttempts final : private ProcessEvents {
 public:
  /// Ends what an earlier node left behind, sweeps its files, and is ready.
  /// `sink` outlives this. Errors: not_found (no guard program), unavailable,
  /// and those of making folders.
  static Result<std::unique_ptr<ProcessAttempts>> create(
      AttemptsOptions options, AttemptSink& sink);
  /// Kills what runs, without grace; nothing is told any more.
  ~ProcessAttempts() override;

  // From any thread; each returns at once.
  /// Every assignment ends in exactly one ended(), unless it is fenced.
  void assign(Assignment assignment);
  void stop(const StopOrder& order);
  void stop_all(StopReason reason);
  /// Those that have not ended: what heartbeats name.
  std::vector<Token> tokens() const;

 private:
  struct Attempt;
  ProcessAttempts(AttemptsOptions options, AttemptSink& sink);

  // All of these on the runner's thread.
  void begin(Assignment assignment);
  void prepared(const std::string& key, Status done);
  void start(Attempt& attempt);
  void order(const Token& token, StopReason reason);
  void keep(Attempt& attempt, JobEnd end,
            std::optional<UnwrittenLines> unwritten);
  void finish(const std::string& key, JobEnd end);
  void show_soon(Attempt& attempt);
  void show(const std::string& key);
  Attempt* find(const std::string& key);  // Null while closing, too.

  void on_started(const std::string& key,
                  const platform::ProcessIdentity& command) override;
  void on_line(const std::string& key, Stream stream,
               const std::string& text) override;
  void on_progress(const std::string& key, const Progress& progress) override;
  void on_quiet(const std::string& key, std::int64_t silent_ms) override;
  void on_end(const std::string& key, const ProcessEnd& end) override;

  AttemptsOptions options_;
  AttemptSink& sink_;
  mutable std::mutex mutex_;
  std::set<Token> tokens_;  // Guarded by mutex_.
  std::map<std::string, std::unique_ptr<Attempt>> attempts_;
  bool closing_ = false;
  // Copies, hashes and syncs: minutes for large files, while the runner's
  // thread goes on reading the output of others.
  std::unique_ptr<platform::EventLoop> file_work_;
  std::thread file_thread_;
  std::unique_ptr<ProcessRunner> runner_;  // Last: destroyed first.
};

/// This process's variables. REQUIRES: nobody changes them meanwhile.
std::map<std::string, std::string> own_environment();

}  // namespace troupe
