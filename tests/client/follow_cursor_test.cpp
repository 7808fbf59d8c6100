#include "client/follow_cursor.hpp"

#include <gtest/gtest.h>

namespace troupe::client {
namespace {

const JobId kJob{1, 1};

LogEntry entry(std::uint64_t index, std::uint32_t seq,
               ChangeType type = ChangeType::noted) {
  LogEntry e;
  e.index = index;
  e.change.job = kJob;
  e.change.seq = seq;
  e.change.type = type;
  return e;
}

LiveEvent live(std::uint32_t attempt, std::uint64_t n) {
  LiveEvent e;
  e.job = kJob;
  e.attempt = attempt;
  e.n = n;
  return e;
}

PullReply reply(std::vector<LogEntry> entries, std::uint64_t next_index = 0) {
  PullReply r;
  r.entries = std::move(entries);
  r.next_index = next_index;
  return r;
}

TEST(FollowCursor, AsksFromWhereItStandsAndWithItsCredit) {
  FollowCursor cursor{{.after_index = 7, .credit = 3}};
  EXPECT_EQ(cursor.next(500).after_index, 7u);
  EXPECT_EQ(cursor.next(500).max_events, 3u);
  EXPECT_EQ(cursor.next(500).wait_ms, 500);
}

TEST(FollowCursor, NeverAsksWithoutCredit) {
  FollowCursor cursor{{.credit = 0}};
  EXPECT_EQ(cursor.next(0).max_events, 1u);
}

TEST(FollowCursor, MovesBehindWhatItGot) {
  FollowCursor cursor{FollowOptions{}};
  auto r = reply({entry(4, 1), entry(9, 1)}, 12);
  cursor.advance(r);
  EXPECT_EQ(r.entries.size(), 2u);
  EXPECT_EQ(cursor.next(0).after_index, 12u);
}

TEST(FollowCursor, MovesOverIndexesThatHadNothingForIt) {
  FollowCursor cursor{{.ends_only = true}};
  auto r = reply({}, 40);
  cursor.advance(r);
  EXPECT_EQ(cursor.next(0).after_index, 40u);
}

TEST(FollowCursor, ARepeatedAnswerBringsNothingTwice) {
  FollowCursor cursor{FollowOptions{}};
  auto first = reply({entry(1, 1), entry(2, 1)}, 2);
  cursor.advance(first);
  auto again = reply({entry(1, 1), entry(2, 1), entry(3, 1)}, 3);
  cursor.advance(again);
  ASSERT_EQ(again.entries.size(), 1u);
  EXPECT_EQ(again.entries[0].index, 3u);
}

TEST(FollowCursor, AnOlderAnswerDoesNotMoveItBack) {
  FollowCursor cursor{{.after_index = 10}};
  auto r = reply({}, 3);
  cursor.advance(r);
  EXPECT_EQ(cursor.next(0).after_index, 10u);
}

TEST(FollowCursor, FollowsAJobByItsOwnNumbersToItsEnd) {
  FollowCursor cursor{{.job = kJob, .after_seq = 1}};
  auto r = reply({entry(5, 1), entry(6, 2), entry(7, 3)});
  cursor.advance(r);
  EXPECT_EQ(r.entries.size(), 2u);
  EXPECT_EQ(cursor.next(0).after_seq, 3u);
  EXPECT_FALSE(cursor.finished());
  auto end = reply({entry(8, 4, ChangeType::ended)});
  cursor.advance(end);
  EXPECT_TRUE(cursor.finished());
}

TEST(FollowCursor, KeepsOnlyTheEndOfAJobWhenThatWasAskedFor) {
  FollowCursor cursor{{.job = kJob, .ends_only = true}};
  auto r = reply({entry(1, 1), entry(2, 2, ChangeType::ended)});
  cursor.advance(r);
  ASSERT_EQ(r.entries.size(), 1u);
  EXPECT_EQ(r.entries[0].change.type, ChangeType::ended);
}

TEST(FollowCursor, AsksAtOnceWhereNowIs) {
  FollowCursor cursor{{.from_now = true}};
  EXPECT_TRUE(cursor.floating());
  EXPECT_TRUE(cursor.next(900).from_now);
  EXPECT_EQ(cursor.next(900).wait_ms, 0);
  auto r = reply({}, 33);
  cursor.advance(r);
  EXPECT_FALSE(cursor.floating());
  EXPECT_FALSE(cursor.next(900).from_now);
  EXPECT_EQ(cursor.next(900).after_index, 33u);
  EXPECT_EQ(cursor.next(900).wait_ms, 900);
}

TEST(FollowCursor, LiveEventsAreOrderedByAttemptThenNumber) {
  FollowCursor cursor{{.job = kJob, .live = true}};
  PullReply first;
  first.live = {live(1, 1), live(1, 2)};
  cursor.advance(first);
  PullReply second;
  second.live = {live(1, 2), live(1, 3), live(2, 1)};
  cursor.advance(second);
  ASSERT_EQ(second.live.size(), 2u);
  EXPECT_EQ(second.live[0].n, 3u);
  EXPECT_EQ(cursor.next(0).live_attempt, 2u);
  EXPECT_EQ(cursor.next(0).live_n, 1u);
}

}  // namespace
}  // namespace troupe::client
