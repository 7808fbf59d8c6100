// A head with real sockets and the real actors of a queue behind them, without
// any device of its own: what runs, runs on workers.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cluster/worker.hpp"
#include "cluster/worker_frames.hpp"
#include "persistence/job_store.hpp"
#include "tests/cluster/node_fixture.hpp"

namespace troupe::cluster {

class HeadTest : public NodeTest {
 protected:
  HeadTest();
  void SetUp() override;
  void TearDown() override;
  NodeHandles handles() override;

  /// Durable when it returns.
  JobId submit(const std::string& device = "", std::uint32_t max_attempts = 3);
  JobView view(JobId job);
  bool eventually_is(JobId job, JobState state);
  /// How often the log says that it ended.
  int ends_of(JobId job);
  LedgerReport ledger_of(const std::string& device);

  LeaseConfig lease;  // The scheduler's. Set before SetUp, as limits are.
  std::unique_ptr<JobStore> store;

 private:
  template <class Reply, class Handle, class... Ts>
  Reply ask(const Handle& to, Ts&&... xs);

  std::unique_ptr<TestClient> files_of_jobs_;
  NodeHandles handles_;
  JobHistoryActor history_;
  MemoryManagerActor memory_;
  std::uint64_t submitted_ = 0;
};

/// A worker's process as a test needs it: takes its attempts and ends them
/// when the test says so.
class TestWorker {
 public:
  TestWorker(const TlsFiles& files, const NodeAddress& head,
             std::uint32_t slots);
  /// As if killed: its connection closes and nothing more is said.
  ~TestWorker();

  bool connected() const { return connects_ > lost_; }
  std::vector<Assignment> taken() const;
  std::vector<StopOrder> stopped() const;
  void end(const Token& token);
  void say(LiveEvent event);
  int connects() const { return connects_; }
  WorkerActor worker;

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
  std::unique_ptr<TestClient> process_;
  ExecutorActor executor_;
  std::atomic<int> connects_{0};
  std::atomic<int> lost_{0};
};

}  // namespace troupe::cluster
