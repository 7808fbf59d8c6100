// What the scheduler's actor adds to the decisions of schedule.hpp.
#include "actors/scheduler.hpp"

#include <caf/typed_event_based_actor.hpp>

#include "actors/memory_manager.hpp"
#include "kinds/kinds.hpp"
#include "tests/persistence/store_fixture.hpp"
#include "tests/support/actor_test.hpp"

namespace troupe {
namespace {

class LostAttemptTest : public test::ActorTest {
 protected:
  // Shared: the fake history may outlive the test's body.
  std::shared_ptr<std::vector<Change>> logged =
      std::make_shared<std::vector<Change>>();
  std::vector<Token> completed;
  std::vector<std::pair<JobId, std::string>> over;  // With its file.
  bool history_answers = true;
  ScratchDir dir;
  Author author;
  std::unique_ptr<JobStore> store;

  void open_store() {
    store.reset();
    auto opened = JobStore::open(dir.path(), small_options(), author.now_ms);
    ASSERT_TRUE(opened) << opened.error().message;
    store = *std::move(opened);
  }
  // A job whose only attempt runs when its node goes down.
  JobId run_and_lose(OnLost on_lost) {
    auto spec = author.spec(author.next_id());
    spec.on_lost = on_lost;
    auto submitted = author.submit(spec);
    auto started = author.start(spec.id);
    const std::vector<Change> changes{submitted, started};
    EXPECT_TRUE(store->commit(changes, true));
    return spec.id;
  }
  JobHistoryActor spawn_history() {
    return sys.spawn(
        [logged = logged,
         answers = history_answers]() -> JobHistoryActor::behavior_type {
          return {[=](append_atom,
                      const AppendRequest& request) -> caf::result<Appended> {
                    logged->insert(logged->end(), request.changes.begin(),
                                   request.changes.end());
                    if (!answers) return caf::delegated<Appended>{};  // Never.
                    return Appended{};
                  },
                  [](barrier_atom) {}};
        });
  }
  void start_scheduler() {
    open_store();  // Again: the next epoch.
    SchedulerOptions options;
    options.store = store.get();
    options.history = spawn_history();
    options.memory = spawn_memory_manager(sys, {});
    options.kinds = all_kinds();
    options.complete_lost = [this](const Token& token, JobEnd& end) {
      completed.push_back(token);
      end.failure->last_lines = {"stdout | its last words"};
      end.artifacts.push_back({.name = "attempt-1.log"});
    };
    options.on_ended = [this](JobId job,
                              const std::vector<ArtifactRef>& files) {
      over.emplace_back(job, files.empty() ? "" : files[0].name);
    };
    options.own_thread = false;
    scheduler_ = spawn_scheduler(sys, std::move(options));
    settle();
  }
  void TearDown() override {
    caf::anon_send_exit(scheduler_, caf::exit_reason::kill);
    settle();
  }

 private:
  SchedulerActor scheduler_;
};

TEST_F(LostAttemptTest, TheEndOfAJobThatIsNotRepeatedIsCompletedBeforeTheLog) {
  open_store();
  const auto job = run_and_lose(OnLost::fail);
  const auto epoch = store->epoch();
  start_scheduler();
  EXPECT_EQ(completed, (std::vector<Token>{{epoch, job, 1}}));
  ASSERT_EQ(logged->size(), 1u);
  ASSERT_TRUE((*logged)[0].end && (*logged)[0].end->failure);
  EXPECT_EQ((*logged)[0].end->state, JobState::failed);
  EXPECT_EQ((*logged)[0].end->failure->last_lines,
            std::vector<std::string>{"stdout | its last words"});
  EXPECT_EQ(over, (std::vector{std::pair{job, std::string{"attempt-1.log"}}}));
}

TEST_F(LostAttemptTest, AnEndThatIsNotOnTheLogYetIsNotTold) {
  history_answers = false;
  open_store();
  run_and_lose(OnLost::fail);
  start_scheduler();
  ASSERT_EQ(logged->size(), 1u);
  EXPECT_TRUE(over.empty());
}

TEST_F(LostAttemptTest, AJobThatIsTriedAgainIsNotCompleted) {
  open_store();
  run_and_lose(OnLost::retry);
  start_scheduler();
  EXPECT_TRUE(completed.empty());
  ASSERT_EQ(logged->size(), 1u);
  EXPECT_TRUE((*logged)[0].requeue);
}

}  // namespace
}  // namespace troupe
