// Jobs that run in another process: over real sockets and real TLS, with a
// node's certificate, against the real queue.
#include <gtest/gtest.h>

#include "tests/cluster/head_fixture.hpp"
#include "tests/platform/eventually.hpp"

namespace troupe::cluster {
namespace {

using platform::eventually;

class WorkerTest : public HeadTest {
 protected:
  TlsFiles node_certificate(const std::string& name) {
    return certificate_of(name, "default", Role::node);
  }
  std::unique_ptr<TestWorker> worker(const TlsFiles& files,
                                     std::uint32_t slots = 1) {
    auto one = std::make_unique<TestWorker>(files, address(), slots);
    EXPECT_TRUE(eventually([&] { return one->connected(); }));
    return one;
  }
  /// Its attempt went with the worker.
  bool is_lost(JobId job) {
    return eventually([&] {
      const auto now = view(job);
      return now.state == JobState::queued && now.failure &&
             now.failure->reason == "device_lost";
    });
  }
  static bool has_taken(const TestWorker& worker, std::size_t attempts) {
    return eventually([&] { return worker.taken().size() >= attempts; });
  }
};

/// A worker by hand: it can say what no honest one says.
class OddWorker {
 public:
  OddWorker(const TlsFiles& files, const NodeAddress& head) : client_{files} {
    auto seat = client_.take_seat(head);
    EXPECT_TRUE(seat) << seat.error().message;
    if (seat) session_ = seat->session;
  }
  Result<WorkerWelcome> hello(std::vector<DeviceInfo> devices) {
    return client_.ask(session_, WorkerHello{std::move(devices), true});
  }
  Result<WorkerOrders> exchange(WorkerExchange exchange) {
    exchange.credit = 10;
    return client_.ask(session_, exchange);
  }
  /// Its next start.
  Token start() {
    auto orders = exchange({});
    EXPECT_TRUE(orders) << orders.error().message;
    if (!orders || orders->starts.size() != 1) {
      ADD_FAILURE() << "no start came";
      return {};
    }
    return orders->starts[0].token;
  }
  template <class Request>
  auto ask(const Request& request) {
    return client_.ask(session_, request);
  }

 private:
  TestClient client_;
  SessionActor session_;
};

DeviceInfo slots(std::uint32_t count) {
  return {.name = "cpu",
          .klass = "cpu",
          .memory_bytes = 1'000'000,
          .slots = count,
          .kinds = {"noop"}};
}

DeviceInfo one_slot() {
  return slots(1);
}

TEST_F(WorkerTest, AJobRunsOnAWorkerAndEnds) {
  const auto far = worker(node_certificate("far"));
  const auto job = submit();
  ASSERT_TRUE(has_taken(*far, 1));
  EXPECT_EQ(far->taken()[0].spec.id, job);
  EXPECT_EQ(far->taken()[0].device, "cpu");
  EXPECT_TRUE(eventually([&] { return view(job).device == "far/cpu"; }));
  far->end(far->taken()[0].token);
  EXPECT_TRUE(eventually_is(job, JobState::succeeded));
  EXPECT_EQ(ends_of(job), 1);
}

TEST_F(WorkerTest, ManyJobsRunWithinTheSlotsOfTheirWorker) {
  const auto far = worker(node_certificate("far"), 8);
  std::vector<JobId> jobs;
  for (int i = 0; i < 40; ++i) jobs.push_back(submit());
  for (std::size_t done = 0; done < jobs.size(); ++done) {
    ASSERT_TRUE(has_taken(*far, done + 1));
    EXPECT_LE(far->taken().size(), done + 8);
    far->end(far->taken()[done].token);
  }
  for (const auto job : jobs)
    EXPECT_TRUE(eventually_is(job, JobState::succeeded));
}

TEST_F(WorkerTest, ItsMemoryIsReservedAtTheHead) {
  const auto far = worker(node_certificate("far"));
  const auto job = submit();
  ASSERT_TRUE(has_taken(*far, 1));
  EXPECT_EQ(ledger_of("far/cpu").reserved_bytes, 1'000u);
  far->end(far->taken()[0].token);
  EXPECT_TRUE(eventually_is(job, JobState::succeeded));
  EXPECT_TRUE(
      eventually([&] { return ledger_of("far/cpu").reserved_bytes == 0; }));
}

TEST_F(WorkerTest, AKilledConnectionLosesTheAttemptAndTheJobEndsElsewhereOnce) {
  auto first = worker(node_certificate("first"));
  const auto job = submit();
  ASSERT_TRUE(has_taken(*first, 1));
  EXPECT_TRUE(eventually_is(job, JobState::running));
  first.reset();
  ASSERT_TRUE(is_lost(job));
  const auto second = worker(node_certificate("second"));
  ASSERT_TRUE(has_taken(*second, 1));
  EXPECT_EQ(second->taken()[0].token.attempt, 2u);
  second->end(second->taken()[0].token);
  EXPECT_TRUE(eventually_is(job, JobState::succeeded));
  EXPECT_EQ(ends_of(job), 1);
}

TEST_F(WorkerTest, AWorkerThatIsLostEndsWhatRanAndComesBack) {
  const auto far = worker(node_certificate("far"));
  const auto job = submit();
  ASSERT_TRUE(has_taken(*far, 1));
  const auto old = far->taken()[0].token;
  caf::anon_send_exit(gate, caf::exit_reason::kill);  // Its sessions with it.
  const auto port = address().port;
  gate = spawn_gate_of_fakes();
  open(port);
  ASSERT_TRUE(eventually([&] { return !far->stopped().empty(); }));
  EXPECT_EQ(far->stopped()[0].reason, StopReason::fenced);
  EXPECT_EQ(far->stopped()[0].token, old);
  ASSERT_TRUE(has_taken(*far, 2));
  far->end(old);  // Too late: its own worker drops it.
  far->end(far->taken()[1].token);
  EXPECT_TRUE(eventually_is(job, JobState::succeeded));
  EXPECT_EQ(ends_of(job), 1);
}

TEST_F(WorkerTest, AResultOfALostAttemptIsRefused) {
  const auto files = node_certificate("far");
  Token old;
  JobId job;
  {
    OddWorker first{files, address()};
    ASSERT_TRUE(first.hello({one_slot()}));
    job = submit();
    old = first.start();
  }
  ASSERT_TRUE(is_lost(job));
  OddWorker second{files, address()};
  ASSERT_TRUE(second.hello({one_slot()}));
  const auto current = second.start();
  EXPECT_EQ(current.attempt, old.attempt + 1);
  WorkerExchange late;
  late.ended.push_back({old, JobEnd{}});
  const auto answer = second.exchange(late);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->stale, std::vector{old});
  EXPECT_TRUE(eventually_is(job, JobState::running));
  WorkerExchange good;
  good.ended.push_back({current, JobEnd{}});
  const auto more = submit();  // Gives the exchange something to answer.
  ASSERT_TRUE(second.exchange(good));
  EXPECT_TRUE(eventually_is(job, JobState::succeeded));
  EXPECT_EQ(ends_of(job), 1);
  EXPECT_EQ(ends_of(more), 0);
}

TEST_F(WorkerTest, AWorkerCannotEndAnotherWorkersAttempt) {
  const auto honest = worker(node_certificate("honest"));
  const auto job = submit();
  ASSERT_TRUE(has_taken(*honest, 1));
  OddWorker odd{node_certificate("odd"), address()};
  ASSERT_TRUE(odd.hello({}));
  WorkerExchange forged;
  forged.ended.push_back({honest->taken()[0].token, JobEnd{}});
  const auto answer = odd.exchange(forged);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->stale.size(), 1u);
  EXPECT_TRUE(eventually_is(job, JobState::running));
  EXPECT_EQ(ends_of(job), 0);
}

TEST_F(WorkerTest, ASilentWorkerIsGivenUp) {
  OddWorker silent{node_certificate("silent"), address()};
  ASSERT_TRUE(silent.hello({one_slot()}));
  const auto job = submit();
  silent.start();  // And nothing more.
  ASSERT_TRUE(is_lost(job));
}

TEST_F(WorkerTest, AWorkerThatIsRemovedLosesItsAttemptsAndGetsNoMore) {
  const auto far = worker(node_certificate("far"));
  const auto job = submit();
  ASSERT_TRUE(has_taken(*far, 1));
  ASSERT_TRUE(revoke_client(data(), "far"));
  ASSERT_TRUE(is_lost(job));
  ASSERT_TRUE(eventually([&] { return !far->stopped().empty(); }));
  EXPECT_EQ(far->stopped()[0].reason, StopReason::fenced);
  EXPECT_FALSE(far->connected());
  EXPECT_EQ(far->taken().size(), 1u);
  EXPECT_EQ(view(job).attempt, 1u);
}

class ShortLeaseTest : public WorkerTest {
 protected:
  ShortLeaseTest() {
    lease.duration_ms = 3'000;
    lease.heartbeat_ms = 50;
    set_lease(limits, lease);
  }
};

TEST_F(ShortLeaseTest, ASilentWorkersDeviceGoesBeforeTheLeasesOfItsAttempts) {
  OddWorker silent{node_certificate("silent"), address()};
  ASSERT_TRUE(silent.hello({slots(3)}));
  std::vector<JobId> jobs;
  for (int i = 0; i < 2; ++i) {
    jobs.push_back(submit("", 1));
    silent.start();
  }
  jobs.push_back(submit("", 1));  // Handed out to one that says nothing more.
  for (const auto job : jobs) {
    EXPECT_TRUE(is_lost(job)) << view(job).failure->message;
    EXPECT_EQ(view(job).attempt, 1u) << "handed to the silent worker again";
  }
}

TEST_F(WorkerTest, LossesDoNotUseTheRetriesButThreeInARowAreSuspect) {
  const auto files = node_certificate("far");
  const auto job = submit();
  for (std::uint32_t attempt = 1; attempt <= 3; ++attempt) {
    OddWorker worker{files, address()};
    ASSERT_TRUE(worker.hello({one_slot()}));
    EXPECT_EQ(worker.start().attempt, attempt);
  }
  ASSERT_TRUE(eventually_is(job, JobState::failed));
  EXPECT_EQ(view(job).failure->klass, FailureClass::suspect);
  EXPECT_EQ(ends_of(job), 1);
}

TEST_F(WorkerTest, AClientsCertificateIsNoWorkers) {
  OddWorker anna{certificate_of("anna", "studio", Role::admin), address()};
  const auto welcome = anna.hello({one_slot()});
  ASSERT_FALSE(welcome);
  EXPECT_EQ(welcome.error().code, Errc::denied);
  const auto orders = anna.exchange({});
  ASSERT_FALSE(orders);
  EXPECT_EQ(orders.error().code, Errc::denied);
}

TEST_F(WorkerTest, AClientsCertificateDoesNotPassForANodes) {
  const auto now = system_wall_clock().now();
  const auto client = certificate_of("anna", "studio", Role::admin);
  const auto refused = check_files(client, Purpose::node, now);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::denied);
  EXPECT_TRUE(check_files(node_certificate("far"), Purpose::node, now));
}

TEST_F(WorkerTest, ANodesCertificateIsNoClients) {
  OddWorker far{node_certificate("far"), address()};
  const auto status = far.ask(StatusRequest{});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::denied);
}

TEST_F(WorkerTest, OrdersComeAfterHelloOnly) {
  OddWorker far{node_certificate("far"), address()};
  const auto orders = far.exchange({});
  ASSERT_FALSE(orders);
  EXPECT_EQ(orders.error().code, Errc::stale);
}

}  // namespace
}  // namespace troupe::cluster
