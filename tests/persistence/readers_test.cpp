// Readers on threads of their own while the one writer writes and indexes.
#include <atomic>
#include <thread>

#include "tests/persistence/store_fixture.hpp"

namespace troupe {
namespace {

class ReadersTest : public StoreTest {};

TEST_F(ReadersTest, SeeWholeJobsInOrderWhileTheWriterWrites) {
  constexpr int kJobs = 2'000;
  std::vector<JobId> ids;
  for (int i = 0; i < kJobs; ++i) ids.push_back(author.next_id());
  std::atomic<int> durable{0};
  std::atomic<bool> done{false};
  std::atomic<int> faults{0};
  std::atomic<int> rounds{0};
  const auto check = [&](bool good) { faults += good ? 0 : 1; };

  const auto read = [&] {
    std::uint64_t newest = 0;
    while (!done || rounds == 0) {
      const int known = durable;
      ListRequest request;
      request.max_jobs = 50;
      const auto page = store->list(request);
      check(static_cast<bool>(page));
      if (known > 0) {
        const auto& last = ids[static_cast<std::size_t>(known) - 1];
        const auto view = store->view(last);
        check(view && view->state == JobState::succeeded && view->seq == 3);
        const auto events = store->job_events(last, 0, 10, 1 << 20);
        check(events && events->size() == 3);
      }
      const auto entries = store->log_after(newest, 64, 1 << 20);
      check(static_cast<bool>(entries));
      if (entries)
        for (const auto& entry : *entries) {
          check(entry.index == newest + 1);
          newest = entry.index;
        }
      ++rounds;
    }
  };
  std::vector<std::jthread> readers;
  for (int i = 0; i < 3; ++i) readers.emplace_back(read);
  for (int i = 0; i < kJobs; ++i) {
    const auto id = ids[static_cast<std::size_t>(i)];
    commit({author.submit(id), author.start(id), author.end(id)}, false);
    durable = i + 1;
    if (i % 100 == 0) check(static_cast<bool>(store->index_step(64)));
  }
  done = true;
  readers.clear();
  EXPECT_EQ(faults, 0);
  EXPECT_GT(rounds, 0);
}

}  // namespace
}  // namespace troupe
