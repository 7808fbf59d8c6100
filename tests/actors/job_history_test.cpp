// The writer actor: what shares a batch, and how large one becomes.
#include "actors/job_history.hpp"

#include <caf/typed_event_based_actor.hpp>

#include "tests/persistence/store_fixture.hpp"
#include "tests/support/actor_test.hpp"

namespace troupe {
namespace {

class JobHistoryTest : public test::ActorTest {
 protected:
  /// Sizes of the batches that became durable.
  EventHubActor spawn_hub() {
    return sys.spawn([this]() -> EventHubActor::behavior_type {
      return {
          [this](committed_atom, const Committed& c) {
            batches.push_back(c.entries.size());
          },
          [](live_atom, const std::vector<LiveEvent>&) {},
          [](pull_atom, const PullRequest&) { return PullReply{}; },
          [](progress_atom, const ShowReply& reply) { return reply; },
      };
    });
  }
  JobHistoryActor spawn_history(std::size_t max_batch_changes) {
    JobHistoryOptions options;
    options.store = store.get();
    options.hub = spawn_hub();
    options.max_batch_changes = max_batch_changes;
    options.own_thread = false;
    return spawn_job_history(sys, std::move(options));
  }

  ScratchDir dir;
  Author author;
  std::unique_ptr<JobStore> store =
      *JobStore::open(dir.path(), small_options(), author.now_ms);
  std::vector<std::size_t> batches;
};

TEST_F(JobHistoryTest, WhatWaitsSharesABatchUpToTheLimit) {
  auto history = spawn_history(4);
  settle();
  for (int i = 0; i < 5; ++i) {
    AppendRequest two;
    for (int j = 0; j < 2; ++j)
      two.changes.push_back(author.submit(author.next_id()));
    self->send(history, append_atom_v, std::move(two));
  }
  settle();
  EXPECT_EQ(batches, (std::vector<std::size_t>{4, 4, 2}));
  self->send_exit(history, caf::exit_reason::kill);
  settle();
}

TEST_F(JobHistoryTest, ARequestBeyondTheLimitIsABatchOfItsOwn) {
  auto history = spawn_history(4);
  AppendRequest five;
  for (int j = 0; j < 5; ++j)
    five.changes.push_back(author.submit(author.next_id()));
  ASSERT_TRUE(ask<Appended>(history, append_atom_v, five));
  EXPECT_EQ(batches, (std::vector<std::size_t>{5}));
  self->send_exit(history, caf::exit_reason::kill);
  settle();
}

}  // namespace
}  // namespace troupe
