// Following through restarts of the node; see fake_head.hpp.
#include "client/follow.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "tests/client/fake_head.hpp"

namespace troupe::client {
namespace {

class FollowTest : public HeadTest {
 protected:
  // Reads until `last` was seen or 20 s are over; the indexes in order.
  std::vector<std::uint64_t> read_up_to(Follower& follower,
                                        std::uint64_t last) {
    std::vector<std::uint64_t> seen;
    const auto deadline = system_steady_clock().now() + 20'000;
    while ((seen.empty() || seen.back() < last) &&
           system_steady_clock().now() < deadline) {
      auto batch = follower.next(1'000);
      EXPECT_TRUE(batch) << batch.error().message;
      if (!batch) break;
      for (const auto& entry : batch->entries) seen.push_back(entry.index);
    }
    return seen;
  }
  static std::vector<std::uint64_t> from_to(std::uint64_t first,
                                            std::uint64_t last) {
    std::vector<std::uint64_t> all;
    for (auto i = first; i <= last; ++i) all.push_back(i);
    return all;
  }
};

TEST_F(FollowTest, BringsEveryEventOnceFromACursor) {
  auto client = connect();
  const auto id = client->submit(job())->id;
  add_notes(id, 50);
  auto follower = client->follow({.after_index = 10, .credit = 7});
  ASSERT_TRUE(follower);
  EXPECT_EQ(read_up_to(**follower, 51), from_to(11, 51));
  add_notes(id, 5);
  EXPECT_EQ(read_up_to(**follower, 56), from_to(52, 56));
}

TEST_F(FollowTest, LosesAndRepeatsNothingAcrossRestarts) {
  auto client = connect();
  const auto id = client->submit(job())->id;
  auto follower = client->follow({.credit = 5});
  ASSERT_TRUE(follower);
  std::vector<std::uint64_t> seen;
  for (std::uint64_t round = 0; round < 4; ++round) {
    add_notes(id, 20);
    // Part of the round is read before the node goes away, part after it.
    for (const auto i : read_up_to(**follower, 20 * round + 8))
      seen.push_back(i);
    stop_node();
    add_notes(id, 3);  // Durable, announced to nobody.
    start_node();
    add_notes(id, 1);
  }
  const auto last = memory.with([](Memory& m) { return m.log.size(); });
  if (seen.back() < last)
    for (const auto i : read_up_to(**follower, last)) seen.push_back(i);
  EXPECT_EQ(seen, from_to(1, last));
  EXPECT_EQ(client->stats().reconnects, 4u);
}

TEST_F(FollowTest, FromNowStandsBeforeWhatIsSubmittedNext) {
  auto client = connect();
  ASSERT_TRUE(client->submit(job()));
  auto follower = client->follow({.from_now = true});
  ASSERT_TRUE(follower);
  const auto second = client->submit(job())->id;
  auto batch = (*follower)->next(20'000);
  ASSERT_TRUE(batch);
  ASSERT_EQ(batch->entries.size(), 1u);
  EXPECT_EQ(batch->entries[0].change.job, second);
}

TEST_F(FollowTest, FromNowSkipsThePastAfterARestartToo) {
  auto client = connect();
  const auto id = client->submit(job())->id;
  add_notes(id, 10);
  restart_node();
  auto follower = client->follow({.from_now = true});
  ASSERT_TRUE(follower);
  add_notes(id, 1);
  EXPECT_EQ(read_up_to(**follower, 12), from_to(12, 12));
}

TEST_F(FollowTest, AnEmptyBatchWhenNothingHappens) {
  auto client = connect();
  auto follower = client->follow({.from_now = true});
  ASSERT_TRUE(follower);
  auto batch = (*follower)->next(50);
  ASSERT_TRUE(batch);
  EXPECT_TRUE(batch->entries.empty());
}

TEST_F(FollowTest, OfOneJobEndsWithIt) {
  auto client = connect();
  const auto id = client->submit(job())->id;
  ASSERT_TRUE(client->submit(job()));
  start_attempt(id);
  auto follower = client->follow({.job = id});
  ASSERT_TRUE(follower);
  std::vector<ChangeType> types;
  bool ended = false;
  while (!(*follower)->finished()) {
    auto batch = (*follower)->next(20'000);
    ASSERT_TRUE(batch);
    for (const auto& entry : batch->entries) {
      EXPECT_EQ(entry.change.job, id);
      types.push_back(entry.change.type);
    }
    if (!std::exchange(ended, true)) end_job(id);
  }
  EXPECT_EQ(types, (std::vector{ChangeType::submitted, ChangeType::started,
                                ChangeType::ended}));
}

TEST_F(FollowTest, BringsLiveEventsInOrder) {
  auto client = connect();
  const auto id = client->submit(job())->id;
  start_attempt(id);
  auto follower = client->follow({.job = id, .live = true, .credit = 10});
  ASSERT_TRUE(follower);
  add_live(id, 40);
  std::uint64_t last = 0;
  while (last < 40) {
    auto batch = (*follower)->next(20'000);
    ASSERT_TRUE(batch);
    ASSERT_FALSE(batch->entries.empty() && batch->live.empty());
    for (const auto& event : batch->live) EXPECT_EQ(event.n, ++last);
  }
}

TEST_F(FollowTest, OnlyEndsWhenOnlyEndsAreWanted) {
  memory.with([&](Memory& m) { m.end_at_once = true; });
  auto client = connect();
  auto follower = client->follow({.ends_only = true});
  ASSERT_TRUE(follower);
  ASSERT_TRUE(client->submit_many(std::vector<JobSpec>(20, job())));
  std::size_t ends = 0;
  while (ends < 20) {
    auto batch = (*follower)->next(20'000);
    ASSERT_TRUE(batch);
    ASSERT_FALSE(batch->entries.empty());
    for (const auto& entry : batch->entries)
      EXPECT_EQ(entry.change.type, ChangeType::ended);
    ends += batch->entries.size();
  }
  EXPECT_EQ(ends, 20u);
}

TEST_F(FollowTest, CallsBackUntilItIsDestroyed) {
  auto client = connect();
  const auto id = client->submit(job())->id;
  std::atomic<std::uint64_t> events{0};
  auto subscription =
      client->subscribe({.from_now = true}, [&](Result<FollowBatch> batch) {
        if (batch) events += batch->entries.size();
      });
  ASSERT_TRUE(subscription);
  add_notes(id, 100);
  EXPECT_TRUE(eventually([&] { return events == 100; }));
  subscription->reset();
  add_notes(id, 1);
  ASSERT_TRUE(client->status());
  EXPECT_EQ(events, 100u);
}

TEST_F(FollowTest, CarriesOnCallingBackAfterARestart) {
  auto client = connect();
  const auto id = client->submit(job())->id;
  std::atomic<std::uint64_t> events{0};
  auto subscription =
      client->subscribe({.from_now = true}, [&](Result<FollowBatch> batch) {
        if (batch) events += batch->entries.size();
      });
  ASSERT_TRUE(subscription);
  add_notes(id, 10);
  restart_node();
  add_notes(id, 10);
  EXPECT_TRUE(eventually([&] { return events == 20; })) << events;
}

TEST_F(FollowTest, AnotherStoreMakesItsCursorStale) {
  auto client = connect();
  const auto id = client->submit(job())->id;
  auto follower = client->follow({});
  ASSERT_TRUE(follower);
  ASSERT_EQ(read_up_to(**follower, 1), from_to(1, 1));
  stop_node();
  store_id = "store-2";
  start_node();
  add_notes(id, 1);
  auto batch = (*follower)->next(20'000);
  ASSERT_FALSE(batch);
  EXPECT_EQ(batch.error().code, Errc::stale);
}

}  // namespace
}  // namespace troupe::client
