// Orders while the disk takes no writes: a named error each, and what was
// carried out is on record when it takes them again.
#include <caf/typed_event_based_actor.hpp>

#include "actors/job_history.hpp"
#include "actors/memory_manager.hpp"
#include "actors/scheduler.hpp"
#include "kinds/kinds.hpp"
#include "tests/persistence/fault_fs.hpp"
#include "tests/persistence/store_fixture.hpp"
#include "tests/support/actor_test.hpp"

namespace troupe {
namespace {

using std::chrono::seconds;

class BrokenDiskTest : public test::ActorTest {
 protected:
  void SetUp() override {
    auto options = small_options();
    options.file_system = disk;
    auto opened = JobStore::open(dir.path(), options, author.now_ms);
    ASSERT_TRUE(opened) << opened.error().message;
    store = *std::move(opened);
    history = spawn_job_history(
        sys, {.store = store.get(),
              .hub = spawn_hub(),
              .disk_changed =
                  [this](const Status& accepting) {
                    told.push_back(accepting ? Errc{} : accepting.error().code);
                  },
              .own_thread = false});
    SchedulerOptions scheduling;
    scheduling.store = store.get();
    scheduling.history = history;
    scheduling.memory = spawn_memory_manager(sys, {});
    scheduling.kinds = all_kinds();
    scheduling.own_thread = false;
    scheduler = spawn_scheduler(sys, std::move(scheduling));
    settle();
    job = author.next_id();
    auto spec = author.spec(job);
    spec.kind = "noop";
    spec.params = "{}";
    const auto taken =
        ask<SubmitReply>(scheduler, submit_atom_v, SubmitRequest{{spec}});
    ASSERT_TRUE(taken) << taken.error().message;
    ASSERT_FALSE(taken->answers.at(0).error)
        << taken->answers.at(0).error->message;
  }
  void TearDown() override {
    caf::anon_send_exit(scheduler, caf::exit_reason::kill);
    caf::anon_send_exit(history, caf::exit_reason::kill);
    settle();
  }
  EventHubActor spawn_hub() {
    return sys.spawn([]() -> EventHubActor::behavior_type {
      return {
          [](committed_atom, const Committed&) {},
          [](live_atom, const std::vector<LiveEvent>&) {},
          [](pull_atom, const PullRequest&) { return PullReply{}; },
          [](progress_atom, const ShowReply& reply) { return reply; },
      };
    });
  }
  /// The order's error, once `wait` has passed.
  template <class Reply, class Atom, class Request>
  Errc refused(Atom atom, const Request& request, seconds wait) {
    auto pending = self->request(scheduler, caf::infinite, atom, request);
    settle();
    for (auto passed = seconds{0}; passed < wait; passed += seconds{1})
      advance(seconds{1});
    Errc code{};
    pending.receive([](const Reply&) {},
                    [&](caf::error& e) { code = from_caf(e).code; });
    return code;
  }

  ScratchDir dir;
  Author author;
  std::shared_ptr<FaultFs> disk = std::make_shared<FaultFs>();
  std::unique_ptr<JobStore> store;
  JobHistoryActor history;
  SchedulerActor scheduler;
  JobId job;
  std::vector<Errc> told;
};

TEST_F(BrokenDiskTest, OrdersAreRefusedByNameAndRecordedLater) {
  const CancelRequest cancel{.jobs = {job}, .by = "ann"};
  disk->fault = DiskFault::read_only;
  EXPECT_EQ(refused<CancelReply>(cancel_atom_v, cancel, seconds{2}),
            Errc::read_only)
      << "given before anybody knew";
  EXPECT_EQ(refused<CancelReply>(cancel_atom_v, cancel, seconds{0}),
            Errc::read_only);
  EXPECT_EQ(refused<ControlReply>(control_atom_v,
                                  ControlRequest{.verb = ControlVerb::pause},
                                  seconds{0}),
            Errc::read_only);
  EXPECT_EQ(store->summary(job)->state, JobState::queued) << "half visible";
  disk->fault = DiskFault::none;
  for (int i = 0; i < 3; ++i) advance(seconds{1});
  EXPECT_EQ(store->summary(job)->state, JobState::cancelled);
  EXPECT_EQ(told, (std::vector{Errc::read_only, Errc{}}));
  EXPECT_EQ(refused<ControlReply>(control_atom_v,
                                  ControlRequest{.verb = ControlVerb::pause},
                                  seconds{0}),
            Errc{});
}

}  // namespace
}  // namespace troupe
