#include "actors/event_rings.hpp"

#include <gtest/gtest.h>

namespace troupe {
namespace {

constexpr JobId kJob{1, 2};

LogEntry entry(std::uint64_t index, ChangeType type = ChangeType::noted) {
  LogEntry e{.index = index, .epoch = 1};
  e.change.type = type;
  e.change.job = kJob;
  e.change.note = Note{"n", std::string(100, 'x'), ""};
  return e;
}

LiveEvent line(std::uint32_t attempt, std::string text = "a line") {
  return {.job = kJob,
          .attempt = attempt,
          .type = LiveType::log,
          .log = LogLine{"stdout", std::move(text)}};
}

PullRequest follow(std::uint32_t attempt, std::uint64_t n) {
  return {.job = kJob, .live_attempt = attempt, .live_n = n, .live = true};
}

TEST(DurableRing, GivesWhatFollowsTheCursor) {
  DurableRing ring{{}};
  for (std::uint64_t i = 5; i <= 9; ++i) ring.add(entry(i));
  EXPECT_FALSE(ring.covers(3)) << "4 is older than the ring";
  ASSERT_TRUE(ring.covers(4));
  EXPECT_EQ(ring.pull({.after_index = 4}).entries.size(), 5u);
  auto reply = ring.pull({.after_index = 7});
  ASSERT_EQ(reply.entries.size(), 2u);
  EXPECT_EQ(reply.entries[0].index, 8u);
  EXPECT_EQ(reply.next_index, 9u);
  EXPECT_TRUE(ring.pull({.after_index = 9}).entries.empty());
}

TEST(DurableRing, StopsAtTheFollowersCredit) {
  DurableRing ring{{}};
  for (std::uint64_t i = 1; i <= 9; ++i) ring.add(entry(i));
  auto by_count = ring.pull({.max_events = 2});
  EXPECT_EQ(by_count.entries.size(), 2u);
  EXPECT_EQ(by_count.next_index, 2u);
  auto by_bytes = ring.pull({.max_bytes = 1});
  EXPECT_EQ(by_bytes.entries.size(), 1u) << "one always fits, or none ever";
  EXPECT_EQ(by_bytes.next_index, 1u);
}

TEST(DurableRing, SkipsTheRestForCompletionsButMovesTheCursor) {
  DurableRing ring{{}};
  ring.add(entry(1));
  ring.add(entry(2, ChangeType::ended));
  ring.add(entry(3));
  auto reply = ring.pull({.ends_only = true});
  ASSERT_EQ(reply.entries.size(), 1u);
  EXPECT_EQ(reply.entries[0].index, 2u);
  EXPECT_EQ(reply.next_index, 3u);
}

TEST(DurableRing, ForgetsTheOldestAtItsLimits) {
  EventLimits limits;
  limits.ring_entries = 3;
  DurableRing ring{limits};
  for (std::uint64_t i = 1; i <= 5; ++i) ring.add(entry(i));
  EXPECT_FALSE(ring.covers(1));
  EXPECT_TRUE(ring.covers(2));
  limits.ring_entries = 100;
  limits.ring_bytes = 300;
  DurableRing small{limits};
  for (std::uint64_t i = 1; i <= 5; ++i) small.add(entry(i));
  EXPECT_FALSE(small.covers(2));
  EXPECT_TRUE(small.covers(4)) << "the newest entry always stays";
}

TEST(DurableRing, AGapEmptiesIt) {
  DurableRing ring{{}};
  ring.add(entry(1));
  ring.add(entry(7));
  EXPECT_FALSE(ring.covers(1)) << "2 to 6 are not here";
  EXPECT_TRUE(ring.covers(6));
}

TEST(LiveRings, NumbersEventsWithinAnAttempt) {
  LiveRings rings{{}};
  rings.attempt_started(kJob, 1, 2);
  EXPECT_TRUE(rings.add(line(1)));
  EXPECT_TRUE(rings.add(line(1)));
  PullReply reply;
  rings.pull(follow(1, 1), reply);
  ASSERT_EQ(reply.live.size(), 1u);
  EXPECT_EQ(reply.live[0].n, 2u);
  EXPECT_EQ(reply.live[0].after_seq, 2u);
  EXPECT_EQ(reply.live_lost, 0u);
}

LiveRings two_kept_of_five() {
  EventLimits limits;
  limits.live_events = 2;
  LiveRings rings{limits};
  rings.attempt_started(kJob, 1, 2);
  for (int i = 0; i < 5; ++i) rings.add(line(1));
  return rings;
}

/// Five lines of the first, none of the second.
void add_an_attempt_and_a_silent_one(LiveRings& rings) {
  rings.attempt_started(kJob, 1, 2);
  for (int i = 0; i < 5; ++i) rings.add(line(1));
  rings.attempt_ended(kJob);
  rings.attempt_started(kJob, 2, 4);
  rings.attempt_ended(kJob);
}

TEST(LiveRings, SaysHowManyALaggingFollowerLost) {
  auto rings = two_kept_of_five();
  PullReply reply;
  rings.pull(follow(1, 1), reply);
  ASSERT_EQ(reply.live.size(), 2u);
  EXPECT_EQ(reply.live[0].n, 4u);
  EXPECT_EQ(reply.live_lost, 2u);
}

TEST(LiveRings, CountsWhatWasLostOnceWhenTheFollowerMovesOverIt) {
  auto rings = two_kept_of_five();
  auto request = follow(0, 0);
  request.max_events = 1;
  PullReply full;
  full.entries = {entry(1)};
  rings.pull(request, full);
  EXPECT_TRUE(full.live.empty()) << "beyond the credit";
  EXPECT_EQ(full.live_lost, 0u) << "the next pull says it again";
  PullReply next;
  rings.pull(request, next);
  ASSERT_EQ(next.live.size(), 1u);
  EXPECT_EQ(next.live[0].n, 4u);
  EXPECT_EQ(next.live_lost, 3u);
}

TEST(LiveRings, CountsWhatWasLeftOfAnEarlierAttempt) {
  LiveRings rings{{}};
  add_an_attempt_and_a_silent_one(rings);
  rings.attempt_started(kJob, 3, 6);
  PullReply nothing;
  rings.pull(follow(1, 2), nothing);
  EXPECT_EQ(nothing.live_lost, 0u) << "the follower does not move yet";
  rings.add(line(3));
  PullReply reply;
  rings.pull(follow(1, 2), reply);
  EXPECT_EQ(reply.live.size(), 1u);
  EXPECT_EQ(reply.live_lost, 3u);
  PullReply other;
  rings.pull(follow(0, 0), other);
  EXPECT_EQ(other.live_lost, 0u) << "it came later";
}

TEST(LiveRings, CountsItAtTheEndOfAnAttemptThatSaidNothing) {
  LiveRings rings{{}};
  add_an_attempt_and_a_silent_one(rings);
  PullReply reply;
  reply.entries = {entry(5, ChangeType::ended)};
  rings.pull(follow(1, 2), reply);
  EXPECT_EQ(reply.entries.size(), 1u);
  EXPECT_EQ(reply.live_lost, 3u);
}

TEST(LiveRings, TheEndOfTheJobWaitsForTheLastLines) {
  LiveRings rings{{}};
  rings.attempt_started(kJob, 1, 2);
  for (int i = 0; i < 3; ++i) rings.add(line(1));
  rings.attempt_ended(kJob);
  const auto end = entry(3, ChangeType::ended);
  auto request = follow(1, 0);
  request.max_events = 2;
  PullReply first;
  first.entries = {end};
  rings.pull(request, first);
  EXPECT_TRUE(first.entries.empty()) << "nobody asks after the end";
  EXPECT_EQ(first.live.size(), 2u);
  request.live_n = 1;
  PullReply second;
  second.entries = {end};
  rings.pull(request, second);
  EXPECT_EQ(second.live.size(), 2u);
  EXPECT_TRUE(second.entries.empty()) << "no room for it";
  request.live_n = 3;
  PullReply last;
  last.entries = {end};
  rings.pull(request, last);
  EXPECT_TRUE(last.live.empty());
  EXPECT_EQ(last.entries.size(), 1u);
}

LiveEvent token(std::uint64_t index, std::uint32_t choice = 0) {
  auto event = line(1);
  event.type = LiveType::token;
  event.log.reset();
  event.token = "x";
  event.index = index;
  event.choice = choice;
  return event;
}

TEST(LiveRings, NoProgressPushesOutTheTextThatALateFollowerReads) {
  EventLimits limits;
  limits.live_events = 2;
  LiveRings rings{limits};
  rings.attempt_started(kJob, 1, 2);
  for (std::uint64_t i = 1; i <= 50; ++i) {
    rings.add(token(i));
    rings.add(line(1));
  }
  auto request = follow(0, 0);
  PullReply reply;
  rings.pull(request, reply);
  ASSERT_EQ(reply.live.size(), 52u);
  EXPECT_EQ(reply.live_lost, 48u);
  for (std::uint64_t i = 1; i <= 48; ++i)
    EXPECT_EQ(reply.live[i - 1].index, i) << "all of it, in order";
  EXPECT_EQ(reply.live.back().n, 100u);
  PullReply rest;
  rings.pull(follow(1, 97), rest);
  ASSERT_EQ(rest.live.size(), 3u);
  EXPECT_EQ(rest.live[0].n, 98u);
  EXPECT_EQ(rest.live_lost, 0u);
}

TEST(LiveRings, TextForgetsItsOldestBeyondBytesOfItsOwn) {
  EventLimits limits;
  limits.token_bytes = 4'096;
  LiveRings rings{limits};
  rings.attempt_started(kJob, 1, 2);
  for (std::uint64_t i = 1; i <= 100; ++i) rings.add(token(i));
  PullReply reply;
  rings.pull(follow(0, 0), reply);
  EXPECT_LT(reply.live.size(), 40u);
  EXPECT_EQ(reply.live.back().index, 100u);
  EXPECT_EQ(reply.live_lost, 100 - reply.live.size());
}

TEST(LiveRings, EachPieceOfTextSaysWhichOneOfItsAnswerItFollows) {
  LiveRings rings{{}};
  rings.attempt_started(kJob, 1, 2);
  rings.add(token(1));
  rings.add(token(2, 1));
  rings.add(token(4));
  PullReply reply;
  rings.pull(follow(0, 0), reply);
  ASSERT_EQ(reply.live.size(), 3u);
  EXPECT_EQ(reply.live[0].after_index, 0u);
  EXPECT_EQ(reply.live[1].after_index, 0u) << "of another answer";
  EXPECT_EQ(reply.live[2].after_index, 1u);
}

TEST(LiveRings, ForgetsTheOldestBeyondItsBytes) {
  EventLimits limits;
  limits.live_bytes = 4'096;
  LiveRings rings{limits};
  rings.attempt_started(kJob, 1, 2);
  for (int i = 0; i < 8; ++i) rings.add(line(1, std::string(1'000, 'x')));
  PullReply reply;
  rings.pull(follow(1, 0), reply);
  EXPECT_GE(reply.live.size(), 1u);
  EXPECT_LE(reply.live.size(), 4u);
  EXPECT_EQ(reply.live.back().n, 8u) << "the newest is there";
  EXPECT_EQ(reply.live_lost, 8 - reply.live.size());
}

TEST(LiveRings, ALaterAttemptBeginsAnewAndAnEarlierOneIsNotHeard) {
  LiveRings rings{{}};
  rings.attempt_started(kJob, 1, 2);
  rings.add(line(1));
  rings.attempt_ended(kJob);
  rings.attempt_started(kJob, 2, 4);
  EXPECT_FALSE(rings.add(line(1, "late")));
  EXPECT_TRUE(rings.add(line(2, "new")));
  PullReply reply;
  rings.pull(follow(1, 1), reply);
  ASSERT_EQ(reply.live.size(), 1u);
  EXPECT_EQ(reply.live[0].log->text, "new");
  EXPECT_EQ(reply.live[0].n, 1u);
}

TEST(LiveRings, KeepsWhatCameBeforeTheStartWasOnDisk) {
  LiveRings rings{{}};
  EXPECT_TRUE(rings.add(line(1, "early")));
  rings.attempt_started(kJob, 1, 2);
  PullReply reply;
  rings.pull(follow(0, 0), reply);
  EXPECT_EQ(reply.live.size(), 1u);
}

TEST(LiveRings, NothingIsAddedAfterTheEndAndMemoryStaysBounded) {
  EventLimits limits;
  limits.ended_attempts = 2;
  LiveRings rings{limits};
  for (std::uint64_t i = 1; i <= 5; ++i) {
    const JobId job{0, i};
    rings.attempt_started(job, 1, 2);
    auto event = line(1);
    event.job = job;
    EXPECT_TRUE(rings.add(event));
    rings.attempt_ended(job);
    EXPECT_FALSE(rings.add(event));
  }
  PullReply reply;
  auto request = follow(0, 0);
  request.job = JobId{0, 1};
  rings.pull(request, reply);
  EXPECT_TRUE(reply.live.empty()) << "the oldest was forgotten";
  request.job = JobId{0, 5};
  rings.pull(request, reply);
  EXPECT_EQ(reply.live.size(), 1u) << "a late follower finds the last lines";
}

TEST(LiveRings, TheNewestProgressIsAtHandWhileItRuns) {
  LiveRings rings{{}};
  rings.attempt_started(kJob, 1, 2);
  EXPECT_EQ(rings.progress(kJob), nullptr);
  LiveEvent event{.job = kJob, .attempt = 1};
  event.progress = Progress{.percent = 40};
  rings.add(event);
  ASSERT_NE(rings.progress(kJob), nullptr);
  EXPECT_EQ(rings.progress(kJob)->progress->percent, 40);
  rings.attempt_ended(kJob);
  EXPECT_EQ(rings.progress(kJob), nullptr);
}

}  // namespace
}  // namespace troupe
