// A head for the client's tests: real gate, session, event hub, sockets and
// TLS; behind them a memory that outlives the node, so that the node can be
// ended and started again under a client.
#pragma once

#include <gtest/gtest.h>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "client/client.hpp"
#include "cluster/endpoint.hpp"
#include "cluster/gate.hpp"
#include "tests/platform/eventually.hpp"
#include "tests/platform/temp_dir.hpp"

namespace troupe::client {

using platform::eventually;

/// What a head must not forget, and what a test wants to know of it.
class Memory {
 public:
  struct Upload {
    std::uint64_t total_bytes = 0;
    std::string bytes;
  };

  /// Everything below is guarded by it.
  mutable std::mutex mutex;

  std::vector<LogEntry> log;  // log[i].index == i + 1
  std::map<JobId, JobView> jobs;
  std::map<std::string, std::string> artifacts;
  std::map<std::string, Upload> uploads;

  // How it behaves.
  bool end_at_once = false;      // Jobs succeed when they are submitted.
  int submits_to_swallow = 0;    // Done, but never answered.
  int submits_to_postpone = 0;   // Answered: come back in 20 ms.
  std::optional<Error> refusal;  // Of every job.
  bool spoil_downloads = false;
  std::uint64_t upload_stop_bytes = ~0ull;  // Beyond: no answer.

  // What it saw.
  std::vector<std::size_t> submit_sizes;      // Jobs of each request.
  std::size_t accepted = 0;                   // Jobs that were new.
  std::vector<std::uint64_t> upload_offsets;  // Told to clients.
  std::uint64_t uploaded_bytes = 0;           // Of all chunks taken.
  int chunks_unanswered = 0;

  template <class F>
  auto with(F f) {
    std::lock_guard guard{mutex};
    return f(*this);
  }

  /// REQUIRES: mutex held. The entry that was added.
  LogEntry append(Change change);
  LogEntry end(JobId job);
};

class FakeNode;

/// One data folder, one memory, and a node that comes and goes.
class HeadTest : public ::testing::Test {
 protected:
  HeadTest();
  ~HeadTest() override;

  void start_node();
  void stop_node();  // As a crash: nobody is told goodbye.
  void restart_node() {
    stop_node();
    start_node();
  }

  std::filesystem::path data() const { return dir_.path(); }
  Options options() const;
  std::unique_ptr<Client> connect() { return connect(options()); }
  std::unique_ptr<Client> connect(Options options);

  JobSpec job(const std::string& tag = "");
  /// Adds `count` notes of `job` to the log and tells followers.
  void add_notes(JobId job, int count);
  void end_job(JobId job);
  void add_live(JobId job, int count);
  void start_attempt(JobId job);

  Memory memory;
  std::string store_id = "store-1";
  cluster::SessionLimits limits;

 private:
  void commit(std::vector<LogEntry> entries);

  platform::TempDir dir_;
  std::unique_ptr<FakeNode> node_;
};

}  // namespace troupe::client
