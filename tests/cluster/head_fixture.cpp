#include "tests/cluster/head_fixture.hpp"

#include <algorithm>

#include "actors/event_hub.hpp"
#include "actors/history_reader.hpp"
#include "actors/job_history.hpp"
#include "actors/memory_manager.hpp"
#include "actors/scheduler.hpp"
#include "kinds/kinds.hpp"
#include "tests/platform/eventually.hpp"

namespace troupe::cluster {

HeadTest::HeadTest() {
  limits.worker_heartbeat_ms = 50;
  limits.worker_silence_ms = 1'000;
}

void HeadTest::SetUp() {
  StoreOptions options;
  options.low_water_bytes = 0;
  options.reserve_bytes = 0;
  auto opened =
      JobStore::open(data() / "store", options, system_wall_clock().now());
  ASSERT_TRUE(opened) << opened.error().message;
  store = *std::move(opened);
  NodeTest::SetUp();
}

NodeHandles HeadTest::handles() {
  if (handles_.scheduler) return handles_;  // For a second gate.
  handles_ = NodeTest::handles();
  handles_.reader = spawn_history_reader(*node, {.store = store.get()});
  EventHubOptions hub;
  hub.reader = handles_.reader;
  hub.last_index = store->last_index();
  handles_.hub = spawn_event_hub(*node, std::move(hub));
  JobHistoryOptions history;
  history.store = store.get();
  history.hub = handles_.hub;
  history_ = spawn_job_history(*node, std::move(history));
  memory_ = spawn_memory_manager(*node, {});
  SchedulerOptions scheduler;
  scheduler.store = store.get();
  scheduler.history = history_;
  scheduler.memory = memory_;
  scheduler.kinds = all_kinds();
  scheduler.limits.lease_ms = lease.duration_ms;
  handles_.scheduler = spawn_scheduler(*node, std::move(scheduler));
  return handles_;
}

void HeadTest::TearDown() {
  const auto end = [](auto& handle) {
    caf::anon_send_exit(handle, caf::exit_reason::user_shutdown);
    handle = nullptr;
  };
  end(handles_.scheduler);
  end(history_);
  end(memory_);
  end(handles_.hub);
  end(handles_.reader);
  handles_ = {};
  NodeTest::TearDown();
}

template <class Reply, class Handle, class... Ts>
Reply HeadTest::ask(const Handle& to, Ts&&... xs) {
  caf::scoped_actor self{*node};
  Reply result{};
  self->request(to, std::chrono::seconds{10}, std::forward<Ts>(xs)...)
      .receive([&](Reply& x) { result = std::move(x); },
               [](caf::error& e) {
                 ADD_FAILURE() << "no answer: " << from_caf(e).message;
               });
  return result;
}

JobId HeadTest::submit(const std::string& device, std::uint32_t max_attempts) {
  JobSpec spec;
  spec.id = JobId{static_cast<std::uint64_t>(system_wall_clock().now()) << 16,
                  ++submitted_};
  spec.kind = "noop";
  spec.params = "{}";
  spec.tenant = "studio";
  spec.submitted_by = "anna";
  spec.device = device;
  spec.memory_bytes = 1'000;
  spec.retry.backoff_ms = 0;
  spec.retry.max_attempts = max_attempts;
  const auto reply = ask<SubmitReply>(handles_.scheduler, submit_atom_v,
                                      SubmitRequest{{spec}});
  EXPECT_EQ(reply.answers.size(), 1u);
  for (const auto& answer : reply.answers)
    EXPECT_FALSE(answer.error) << answer.error->message;
  return spec.id;
}

JobView HeadTest::view(JobId job) {
  auto found = store->view(job);
  EXPECT_TRUE(found) << found.error().message;
  return found ? *found : JobView{};
}

bool HeadTest::eventually_is(JobId job, JobState state) {
  return platform::eventually([&] { return view(job).state == state; });
}

int HeadTest::ends_of(JobId job) {
  PullRequest request;
  request.job = job;
  request.max_events = 100;
  const auto pulled = ask<PullReply>(handles_.reader, pull_atom_v, request);
  return static_cast<int>(
      std::ranges::count_if(pulled.entries, [](const LogEntry& entry) {
        return entry.change.type == ChangeType::ended;
      }));
}

LedgerReport HeadTest::ledger_of(const std::string& device) {
  const auto reports = ask<std::vector<LedgerReport>>(memory_, report_atom_v);
  const auto at = std::ranges::find(reports, device, &LedgerReport::device);
  return at == reports.end() ? LedgerReport{} : *at;
}

// -- a worker -----------------------------------------------------------------

struct TestWorker::Shared {
  mutable std::mutex mutex;
  std::vector<Assignment> taken;
  std::vector<StopOrder> stopped;
};

TestWorker::TestWorker(const TlsFiles& files, const NodeAddress& head,
                       std::uint32_t slots)
    : shared_{std::make_shared<Shared>()},
      process_{std::make_unique<TestClient>(files)} {
  WorkerOptions options;
  options.find = [head]() -> Result<NodeAddress> { return head; };
  options.backoff_ms = 10;
  options.max_backoff_ms = 100;
  options.connection = [this](const Status& status) {
    ++(status ? connects_ : lost_);
  };
  worker = spawn_worker(process_->sys, std::move(options));
  executor_ =
      process_->sys.spawn([shared = shared_]() -> ExecutorActor::behavior_type {
        return {
            [shared](assign_atom, const std::vector<Assignment>& list) {
              std::lock_guard lock{shared->mutex};
              for (const auto& a : list) shared->taken.push_back(a);
            },
            [shared](stop_atom, const std::vector<StopOrder>& orders) {
              std::lock_guard lock{shared->mutex};
              for (const auto& o : orders) shared->stopped.push_back(o);
            },
            [](drop_atom, const std::vector<ModelDrop>&) {},
        };
      });
  caf::anon_send(worker, device_atom_v,
                 DeviceInfo{.name = "cpu",
                            .klass = "cpu",
                            .memory_bytes = 1'000'000,
                            .slots = slots,
                            .kinds = {"noop"}},
                 caf::actor_cast<caf::actor>(executor_));
}

TestWorker::~TestWorker() {
  caf::anon_send_exit(worker, caf::exit_reason::kill);
  caf::anon_send_exit(executor_, caf::exit_reason::kill);
  worker = nullptr;
  executor_ = nullptr;
  process_.reset();
}

std::vector<Assignment> TestWorker::taken() const {
  std::lock_guard lock{shared_->mutex};
  return shared_->taken;
}

std::vector<StopOrder> TestWorker::stopped() const {
  std::lock_guard lock{shared_->mutex};
  return shared_->stopped;
}

void TestWorker::end(const Token& token) {
  caf::anon_send(worker, ended_atom_v,
                 std::vector<AttemptEnd>{{token, JobEnd{}}});
}

void TestWorker::say(LiveEvent event) {
  caf::anon_send(worker, live_atom_v, std::vector<LiveEvent>{std::move(event)});
}

}  // namespace troupe::cluster
