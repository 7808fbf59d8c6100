// Runs commands under guards and tells what happens to them, as events on one
// thread of its own. Knows processes and their output; nothing of jobs,
// artifacts or actors.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "connectors/process/bounded_log.hpp"
#include "connectors/process/guard_protocol.hpp"
#include "core/live.hpp"
#include "kinds/process_run.hpp"
#include "platform/event_loop.hpp"
#include "platform/process.hpp"
#include "platform/spawn.hpp"

namespace troupe {

/// Variable by which all processes of an attempt can be found, even when the
/// guard was killed. Its value is the key.
inline constexpr char kAttemptVariable[] = "TROUPE_ATTEMPT";

struct ProcessSpec {
  std::string key;  // Names the attempt, uniquely on this machine, for ever.
  std::vector<std::string> argv;
  std::map<std::string, std::string> env;  // All of it but kAttemptVariable.
  std::filesystem::path cwd;
  std::filesystem::path stdin_file;  // Empty: /dev/null.
  std::filesystem::path log;         // Its folder exists.
  std::filesystem::path record;      // For end_leftovers(); folder exists.
  std::uint64_t log_bytes = 4u << 20;
  std::vector<ProgressRule> progress;
  std::int64_t timeout_ms = 0;  // 0: none.
  std::int64_t grace_ms = 10'000;
  std::int64_t quiet_ms = 30'000;  // 0: silence is no event.
  unsigned umask = 0022;           // The node's own lets nobody else read.
};

enum class Stream { out, err, node };
std::string_view to_string(Stream stream);

/// Why a command was stopped before it ended by itself.
enum class StopCause { ordered, timeout };

/// How it ended, in the order in which one looks.
struct ProcessEnd {
  std::optional<Error> not_spawned;  // Not even the guard could be started.
  std::optional<guard::Stage> failed_stage;  // The command was not started ...
  int error_number = 0;                      // ... for this reason.
  std::optional<StopCause> stopped;          // Set beside code or signal.
  std::optional<int> code;
  std::optional<int> signal;
  bool guard_lost = false;  // The guard was killed; the tree was ended anyway.
  std::optional<UnwrittenLines> unwritten;  // Of its log.
  platform::ProcessUsage usage;  // CPU of the whole tree; peak of its largest.
  std::int64_t wall_ms = 0;
};

/// What a runner tells, always on its own thread and never after on_end().
class ProcessEvents {
 public:
  virtual ~ProcessEvents() = default;
  virtual void on_started(const std::string& key,
                          const platform::ProcessIdentity& command) = 0;
  virtual void on_line(const std::string& key, Stream stream,
                       const std::string& text) = 0;
  virtual void on_progress(const std::string& key,
                           const Progress& progress) = 0;
  /// No output for quiet_ms; told once per silence.
  virtual void on_quiet(const std::string& key, std::int64_t silent_ms) = 0;
  /// No process of the attempt is left, and its log is complete.
  virtual void on_end(const std::string& key, const ProcessEnd& end) = 0;
};

class RunningProcess;  // running_process.hpp

class ProcessRunner {
 public:
  struct Options {
    std::filesystem::path guard;  // The program troupe-guard.
  };

  /// `events` outlives the runner. Errors: not_found (no guard program),
  /// unavailable.
  static Result<std::unique_ptr<ProcessRunner>> create(Options options,
                                                       ProcessEvents& events);
  /// Kills what still runs, without grace, and waits until it is gone;
  /// on_end() is called for each.
  ~ProcessRunner();

  // From any thread; each returns at once.
  /// REQUIRES: the key is not running.
  void start(ProcessSpec spec);
  /// TERM to the tree, KILL after its grace time. Unknown keys are ignored.
  void stop(std::string key);
  /// KILL to the tree, now.
  void kill(std::string key);
  /// Runs `work` on the runner's thread, where events are told.
  void post(std::function<void()> work);

  /// On the runner's thread only: runs `work` there after `delay_ms`.
  void after(std::int64_t delay_ms, std::function<void()> work);

 private:
  ProcessRunner(Options options, ProcessEvents& events,
                std::unique_ptr<platform::EventLoop> loop);
  void forget(const std::string& key);
  void finish();

  Options options_;
  ProcessEvents& events_;
  std::unique_ptr<platform::EventLoop> loop_;
  // Only the loop's thread touches these.
  std::map<std::string, std::unique_ptr<RunningProcess>> attempts_;
  bool finishing_ = false;
  std::thread thread_;
};

}  // namespace troupe
