#include "persistence/job_store.hpp"

#include "codec/msgpack.hpp"
#include "tests/persistence/store_fixture.hpp"

namespace troupe {
namespace {

class JobStoreTest : public StoreTest {};

TEST_F(JobStoreTest, RemembersAJobThroughEveryStepAndReopening) {
  const auto id = author.next_id();
  commit({author.submit(id)});
  reopen();
  EXPECT_EQ(state(id), JobState::queued);
  commit({author.start(id)});
  reopen();
  EXPECT_EQ(state(id), JobState::running);
  commit({author.requeue(id)});
  reopen();
  EXPECT_EQ(state(id), JobState::queued);
  EXPECT_EQ(store->summary(id)->failures, 1u);
  commit({author.start(id)});
  index_all();
  reopen();
  commit({author.end(id)});
  index_all();
  reopen();
  EXPECT_EQ(state(id), JobState::succeeded);
  const auto view = store->view(id);
  ASSERT_TRUE(view) << view.error().message;
  EXPECT_EQ(view->attempt, 2u);
  EXPECT_EQ(view->seq, 5u);
  EXPECT_EQ(view->device, "cpu");
  EXPECT_EQ(view->result, R"({"ok":true})");
  EXPECT_EQ(view->spec.kind, "process.run");
  EXPECT_TRUE(view->started_ms && view->ended_ms);
  EXPECT_TRUE(store->end(id));
}

TEST_F(JobStoreTest, RaisesTheEpochAtEachOpeningAndKeepsItsId) {
  const auto epoch = store->epoch();
  const auto id = store->store_id();
  reopen();
  EXPECT_EQ(store->epoch(), epoch + 1);
  EXPECT_EQ(store->store_id(), id);
  const auto entries = store->log_after(0, 10, 1 << 20);
  ASSERT_TRUE(entries);
  ASSERT_EQ(entries->size(), 2u);
  EXPECT_EQ(entries->at(1).change.type, ChangeType::opened);
  EXPECT_EQ(entries->at(1).epoch, epoch + 1);
}

TEST_F(JobStoreTest, KeepsEveryOrderWithWhoGaveIt) {
  Change order{.type = ChangeType::control};
  order.note = Note{"pause", R"({"kind":"echo"})", "ada"};
  commit({author.submit(author.next_id()), order});
  order.note->name = "resume";
  commit({order});
  index_all();
  reopen();
  const auto orders = store->controls();
  ASSERT_TRUE(orders) << orders.error().message;
  ASSERT_EQ(orders->size(), 2u);
  EXPECT_EQ(orders->at(0).change.note->name, "pause");
  EXPECT_EQ(orders->at(0).change.note->by, "ada");
  EXPECT_EQ(orders->at(1).change.note->name, "resume");
  EXPECT_LT(orders->at(0).index, orders->at(1).index);
}

TEST_F(JobStoreTest, NumbersEntriesWithoutGaps) {
  const auto a = author.next_id();
  const auto b = author.next_id();
  const auto before = store->last_index();
  const auto first = store->commit(
      std::vector{author.submit(a), author.submit(b), author.start(a)}, true);
  ASSERT_TRUE(first);
  EXPECT_EQ(*first, before + 1);
  EXPECT_EQ(store->last_index(), before + 3);
  const auto entries = store->log_after(before, 10, 1 << 20);
  ASSERT_TRUE(entries);
  ASSERT_EQ(entries->size(), 3u);
  EXPECT_EQ(entries->at(2).index, before + 3);
  EXPECT_EQ(entries->at(2).change.job, a);
}

TEST_F(JobStoreTest, RefusesAnIllegalMoveAndChangesNothing) {
  const auto a = author.next_id();
  const auto b = author.next_id();
  commit({author.submit(a)});
  const auto last = store->last_index();
  const auto refused = store->commit(
      std::vector{author.submit(b), author.end(a), author.start(a)}, true);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::corrupt);
  EXPECT_EQ(store->last_index(), last);
  EXPECT_EQ(code(b), Errc::not_found);
  EXPECT_EQ(state(a), JobState::queued);
}

TEST_F(JobStoreTest, RefusesAGapInAJobsEvents) {
  const auto id = author.next_id();
  commit({author.submit(id)});
  author.note(id, "lost");
  const auto refused = store->commit(std::vector{author.note(id, "x")}, true);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("gap"), std::string::npos);
}

TEST_F(JobStoreTest, RefusesASecondSubmitOfAnIdWhereverTheFirstIs) {
  const auto id = author.next_id();
  commit({author.submit(id)});
  Author other;
  const auto again = [&] {
    return store->commit(std::vector{other.submit(id)}, true).error().code;
  };
  EXPECT_EQ(again(), Errc::already_exists);
  index_all();
  other = {};
  EXPECT_EQ(again(), Errc::already_exists);
  reopen();
  other = {};
  EXPECT_EQ(again(), Errc::already_exists);
}

TEST_F(JobStoreTest, RefusesWhatOnlyItMayCommit) {
  Change change;
  change.type = ChangeType::opened;
  EXPECT_EQ(store->commit(std::vector{change}, true).error().code,
            Errc::invalid_argument);
  change.type = ChangeType::forgotten;
  EXPECT_EQ(store->commit(std::vector{change}, true).error().code,
            Errc::invalid_argument);
  EXPECT_EQ(store->commit({}, true).error().code, Errc::invalid_argument);
}

TEST_F(JobStoreTest, RefusesARecordOverItsLimitAndTakesOneAtIt) {
  JobSpec spec;
  spec.id = author.next_id();
  spec.kind = "x";
  spec.params = std::string(options.max_record_bytes, 'x');
  EXPECT_EQ(store->commit(std::vector{author.submit(spec)}, true).error().code,
            Errc::too_large);
  EXPECT_EQ(code(spec.id), Errc::not_found);
  spec.id = author.next_id();
  spec.params.resize(options.max_record_bytes - 400);
  commit({author.submit(spec)});
}

TEST_F(JobStoreTest, ListsEventsOfOneJobWithoutGapsAcrossGroupsAndReopening) {
  const auto id = author.next_id();
  commit({author.submit(id)});
  for (int i = 0; i < 150; ++i) {
    commit({author.note(id, "n" + std::to_string(i)),
            author.submit(author.next_id())},
           i % 10 == 0 || i % 37 == 0);
    if (i % 37 == 0) index_all();
  }
  commit({author.submit(author.next_id())});
  for (int round = 0; round < 3; ++round) {
    for (const std::uint32_t after : {0u, 1u, 63u, 64u, 65u, 127u, 150u}) {
      const auto events = store->job_events(id, after, 1000, 1 << 20);
      ASSERT_TRUE(events) << events.error().message;
      ASSERT_EQ(events->size(), 151 - after);
      for (std::size_t i = 0; i < events->size(); ++i) {
        ASSERT_EQ(events->at(i).change.seq, after + i + 1);
        ASSERT_EQ(events->at(i).change.job, id);
      }
    }
    if (round == 0) index_all();
    if (round == 1) reopen();
  }
}

TEST_F(JobStoreTest, CutsPagesByBytesButGivesAtLeastOne) {
  const auto id = author.next_id();
  commit({author.submit(id), author.note(id, std::string(1000, 'a')),
          author.note(id, std::string(1000, 'b'))});
  EXPECT_EQ(store->job_events(id, 0, 10, 1)->size(), 1u);
  EXPECT_EQ(store->job_events(id, 1, 10, 1500)->size(), 1u);
  EXPECT_EQ(store->job_events(id, 1, 10, 5000)->size(), 2u);
  EXPECT_EQ(store->log_after(0, 10, 1)->size(), 1u);
}

TEST_F(JobStoreTest, TellsLiveJobsInQueueOrderWhereverTheyAre) {
  std::vector<JobId> expected;
  for (int i = 0; i < 60; ++i) {
    JobSpec spec;
    spec.id = author.next_id();
    spec.kind = "k" + std::to_string(i % 3);
    spec.priority = Priority::high;
    spec.deadline_ms = 7 + i;
    if (i % 4 == 1) spec.depends_on = {expected.back()};
    commit({author.submit(spec)});
    if (i % 5 == 2 && i % 4 != 1) commit({author.start(spec.id)});
    if (i % 7 == 3) {
      commit({author.end(spec.id, JobState::cancelled)});
    } else {
      expected.push_back(spec.id);
    }
    if (i == 20 || i == 40) index_all();
    if (i == 45) {
      ASSERT_TRUE(store->index_step(2));
    }
  }
  for (int round = 0; round < 3; ++round) {
    const auto jobs = live();
    ASSERT_EQ(jobs.size(), expected.size());
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      EXPECT_EQ(jobs[i].summary.id, expected[i]);
      EXPECT_EQ(jobs[i].priority, Priority::high);
      EXPECT_EQ(jobs[i].submitted_ms, author.now_ms);
      const auto spec = store->spec(expected[i]);
      ASSERT_TRUE(spec);
      EXPECT_EQ(jobs[i].kind, spec->kind);
      EXPECT_EQ(jobs[i].deadline_ms, spec->deadline_ms);
      EXPECT_EQ(jobs[i].depends_on, spec->depends_on);
      EXPECT_EQ(jobs[i].summary.state, state(expected[i]));
    }
    if (round == 0) index_all();
    if (round == 1) reopen();
  }
}

TEST_F(JobStoreTest, IndexesByItselfWhenTheTailGrowsOverItsLimit) {
  options.max_unindexed = 50;
  reopen();
  for (int i = 0; i < 200; ++i)
    commit({author.submit(author.next_id())}, false);
  EXPECT_GT(store->indexed_index(), 100u);
  EXPECT_EQ(ids({}).size(), 200u);
}

TEST_F(JobStoreTest, RebuildsTheIndexFromTheLogAlone) {
  std::vector<JobId> all;
  for (int i = 0; i < 30; ++i) all.push_back(run_one());
  index_all();
  reopen();
  // The index has no log of its own: without a flush it is gone.
  EXPECT_EQ(ids({}).size(), all.size());
  for (const auto id : all) EXPECT_EQ(state(id), JobState::succeeded);
}

TEST_F(JobStoreTest, KeepsAnAdministratorsOrderInTheLog) {
  Change change;
  change.type = ChangeType::control;
  change.note = Note{"queue_paused", "{}", "root"};
  commit({change});
  reopen();
  const auto entries = store->log_after(0, 10, 1 << 20);
  ASSERT_TRUE(entries);
  EXPECT_EQ(entries->at(1).change.note->by, "root");
}

}  // namespace
}  // namespace troupe
