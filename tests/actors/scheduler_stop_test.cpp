// What the scheduler's actor does about time: stop orders that meet a start on
// its way to the disk, and leases over a time in which the node stood still;
// and what it says of a job that is wrong in itself and for its model.
#include <caf/typed_event_based_actor.hpp>

#include "actors/memory_manager.hpp"
#include "actors/scheduler.hpp"
#include "kinds/kinds.hpp"
#include "tests/persistence/store_fixture.hpp"
#include "tests/support/actor_test.hpp"

namespace troupe {
namespace {

/// What the fakes heard; shared, as they may outlive the test's body.
struct Heard {
  std::vector<Change> logged;
  std::vector<caf::typed_response_promise<Appended>>
      held;  // Answers not given.
  std::vector<Token> assigned;
  std::vector<StopOrder> stops;
  bool hold = false;
};

struct SetClock : SteadyClock {
  SteadyMs ms = 1'000'000;
  SteadyMs now() const override { return ms; }
};

// (flush_atom, index): give the answers that were held.
using HeldHistory =
    JobHistoryActor::extend<caf::result<void>(flush_atom, std::uint64_t)>;

class SchedulerStopTest : public test::ActorTest {
 protected:
  std::shared_ptr<Heard> heard = std::make_shared<Heard>();
  SetClock steady;
  ScratchDir dir;
  Author author;
  std::unique_ptr<JobStore> store;
  HeldHistory history;
  SchedulerActor scheduler;
  ExecutorActor executor;

  void SetUp() override {
    auto opened = JobStore::open(dir.path(), small_options(), author.now_ms);
    ASSERT_TRUE(opened) << opened.error().message;
    store = *std::move(opened);
    SchedulerOptions options;
    options.store = store.get();
    history = spawn_history();
    options.history = history;
    options.memory = spawn_memory_manager(sys, {});
    options.kinds = all_kinds();
    options.model_use = [](const JobSpec& spec) -> Result<ModelUse> {
      if (spec.model == "broken") return Error{Errc::corrupt, "is broken"};
      return Error{Errc::invalid_argument,
                   "too much",
                   {{"params.max_tokens", "is over 2047"}}};
    };
    options.steady = &steady;
    options.own_thread = false;
    scheduler = spawn_scheduler(sys, std::move(options));
    executor = spawn_executor();
    DeviceInfo device{.name = "cpu", .klass = "cpu"};
    device.slots = 4;
    device.kinds = {"process.run"};
    caf::anon_send(scheduler, device_atom_v, device,
                   caf::actor_cast<caf::actor>(executor));
    settle();
  }
  void TearDown() override {
    answer(0);
    caf::anon_send_exit(history, caf::exit_reason::kill);
    caf::anon_send_exit(scheduler, caf::exit_reason::kill);
    caf::anon_send_exit(executor, caf::exit_reason::kill);
    settle();
  }

  HeldHistory spawn_history() {
    return sys.spawn([heard = heard](HeldHistory::pointer self)
                         -> HeldHistory::behavior_type {
      return {
          [heard, self](append_atom,
                        const AppendRequest& request) -> caf::result<Appended> {
            const auto first = heard->logged.size() + 1;
            heard->logged.insert(heard->logged.end(), request.changes.begin(),
                                 request.changes.end());
            if (!heard->hold) return Appended{first};
            auto promise = self->make_response_promise<Appended>();
            heard->held.push_back(promise);
            return promise;
          },
          [](barrier_atom) {},
          [heard](flush_atom, std::uint64_t first) {
            for (auto& promise : std::exchange(heard->held, {}))
              promise.deliver(Appended{first});
          },
      };
    });
  }
  ExecutorActor spawn_executor() {
    return sys.spawn([heard = heard]() -> ExecutorActor::behavior_type {
      return {[heard](assign_atom, const std::vector<Assignment>& work) {
                for (const auto& a : work) heard->assigned.push_back(a.token);
              },
              [heard](stop_atom, const std::vector<StopOrder>& orders) {
                heard->stops.insert(heard->stops.end(), orders.begin(),
                                    orders.end());
              },
              [](drop_atom, const std::vector<ModelDrop>&) {}};
    });
  }

  /// Its submit is on disk; of its start no answer has come with `hold`.
  JobId submit(bool hold) {
    const auto spec = author.spec(author.next_id());
    SubmitRequest request;
    request.jobs.push_back(spec);
    auto pending = self->request(scheduler, caf::infinite, submit_atom_v,
                                 std::move(request));
    heard->hold = hold;
    settle();
    answer(1);  // The submit, where that is held, too.
    pending.receive([](SubmitReply&) {}, [](caf::error&) { FAIL(); });
    return spec.id;
  }
  std::vector<std::string> refused_paths(JobSpec spec) {
    SubmitRequest request;
    request.jobs.push_back(std::move(spec));
    auto pending = self->request(scheduler, caf::infinite, submit_atom_v,
                                 std::move(request));
    settle();
    std::vector<std::string> paths;
    pending.receive(
        [&](SubmitReply& reply) {
          if (reply.answers[0].error)
            for (const auto& fault : reply.answers[0].error->faults)
              paths.push_back(fault.path);
        },
        [](caf::error&) { FAIL(); });
    return paths;
  }
  void answer(std::uint64_t first_index) {
    self->send(history, flush_atom_v, first_index);
    settle();
  }
  std::optional<JobEnd> end_of(JobId id) const {
    for (const auto& change : heard->logged)
      if (change.job == id && change.end) return *change.end;
    return std::nullopt;
  }
};

TEST_F(SchedulerStopTest, ACancelThatMeetsAStartOnItsWayToTheDiskIsObeyed) {
  const auto job = submit(true);
  ASSERT_EQ(heard->held.size(), 1u) << "its start is on its way";
  self->send(scheduler, cancel_atom_v, CancelRequest{{job}, "anna", ""});
  settle();
  heard->hold = false;
  answer(2);
  EXPECT_TRUE(heard->assigned.empty()) << "its executor never hears of it";
  ASSERT_TRUE(end_of(job));
  EXPECT_EQ(end_of(job)->state, JobState::cancelled);
}

TEST_F(SchedulerStopTest, OneAnswerHasAllThatIsWrongForAJobAndItsModel) {
  using Paths = std::vector<std::string>;
  auto spec = author.spec(author.next_id());
  spec.kind = "text.generate";
  spec.model = "small";
  spec.params = R"({"prompt":"x","top_p":7,"max_tokens":5000000})";
  EXPECT_EQ(refused_paths(spec), (Paths{"params.top_p", "params.max_tokens"}));
  spec.params = R"({"prompt":"x","max_tokens":5000})";
  EXPECT_EQ(refused_paths(spec), (Paths{"params.max_tokens"}));
  spec.model = "broken";
  spec.params = R"({"prompt":"x","top_p":7})";
  EXPECT_EQ(refused_paths(spec), (Paths{"params.top_p", "model"}));
  spec.model = "";
  EXPECT_EQ(refused_paths(spec), (Paths{"model", "params.top_p"}));
}

TEST_F(SchedulerStopTest, WithoutACancelItIsHandedOut) {
  submit(true);
  heard->hold = false;
  answer(2);
  EXPECT_EQ(heard->assigned.size(), 1u);
}

TEST_F(SchedulerStopTest, NoLeaseEndsInATimeInWhichTheNodeStoodStill) {
  const auto job = submit(false);
  ASSERT_EQ(heard->assigned.size(), 1u);
  steady.ms += 60'000;  // No wake was read in that time.
  self->send(scheduler, heartbeat_atom_v, heard->assigned);
  settle();
  JobEnd end;
  end.state = JobState::succeeded;
  self->send(scheduler, ended_atom_v,
             std::vector<AttemptEnd>{{heard->assigned[0], end}});
  settle();
  ASSERT_TRUE(end_of(job));
  EXPECT_EQ(end_of(job)->state, JobState::succeeded);
}

}  // namespace
}  // namespace troupe
