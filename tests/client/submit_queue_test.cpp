#include "client/submit_queue.hpp"

#include <gtest/gtest.h>

#include "codec/msgpack.hpp"

namespace troupe::client {
namespace {

JobSpec job(std::uint64_t n, std::size_t params_bytes = 200) {
  JobSpec spec;
  spec.id = {1, n};
  spec.kind = "process.run";
  spec.params = std::string(params_bytes, 'x');
  return spec;
}

std::vector<std::uint64_t> jobs_in(const SubmitBatch& batch) {
  std::vector<std::uint64_t> numbers;
  auto request = from_msgpack<SubmitRequest>(batch.bytes);
  if (!request) return numbers;
  for (const auto& spec : request->jobs) numbers.push_back(spec.id.lo);
  return numbers;
}

class SubmitQueueTest : public ::testing::Test {
 protected:
  struct Heard {
    std::uint64_t job;
    std::optional<Errc> error;
  };

  Status add(SubmitQueue& queue, std::uint64_t n, SteadyMs deadline_ms = 1'000,
             std::size_t params_bytes = 200) {
    return queue.add(job(n, params_bytes), deadline_ms,
                     [this, n](Result<SubmitAnswer> answer) {
                       heard.push_back({n, answer ? std::optional<Errc>()
                                                  : answer.error().code});
                     });
  }
  void add_many(SubmitQueue& queue, std::uint64_t first, std::uint64_t last) {
    for (auto n = first; n <= last; ++n) ASSERT_TRUE(add(queue, n));
  }
  SubmitReply reply_to(const SubmitBatch& batch) {
    SubmitReply reply;
    for (const auto& entry : batch.entries)
      reply.answers.push_back({.id = entry.id, .error = {}});
    return reply;
  }

  std::vector<Heard> heard;
};

TEST_F(SubmitQueueTest, SendsWhatWaitsAsOneFrame) {
  SubmitQueue queue{{}};
  add_many(queue, 1, 100);
  const auto* batch = queue.next();
  ASSERT_TRUE(batch);
  EXPECT_EQ(jobs_in(*batch).size(), 100u);
  EXPECT_EQ(jobs_in(*batch).front(), 1u);
  EXPECT_EQ(jobs_in(*batch).back(), 100u);
  EXPECT_FALSE(queue.next());
  EXPECT_EQ(queue.sent_jobs(), 100u);
}

TEST_F(SubmitQueueTest, WritesTheSameBytesAsTheCodecWould) {
  SubmitQueue queue{{}};
  add_many(queue, 1, 20);
  auto request = from_msgpack<SubmitRequest>(queue.next()->bytes);
  ASSERT_TRUE(request);
  ASSERT_EQ(request->jobs.size(), 20u);
  for (std::uint64_t n = 1; n <= 20; ++n)
    EXPECT_EQ(to_msgpack(request->jobs[n - 1]), to_msgpack(job(n)));
}

TEST_F(SubmitQueueTest, CutsBatchesByBytesAndKeepsTheOrder) {
  SubmitQueue queue{{}};
  add_many(queue, 1, 400);
  std::uint64_t expected = 0;
  int frames = 0;
  while (const auto* batch = queue.next()) {
    ++frames;
    EXPECT_LE(batch->bytes.size(), kMaxFrameBytes);
    for (const auto n : jobs_in(*batch)) EXPECT_EQ(n, ++expected);
    queue.answered(batch->number);
  }
  EXPECT_EQ(expected, 400u);
  EXPECT_LE(frames, 5);
}

TEST_F(SubmitQueueTest, CutsBatchesByTheNumberOfJobs) {
  SubmitQueue queue{{.batch_jobs = 3}};
  add_many(queue, 1, 7);
  EXPECT_EQ(jobs_in(*queue.next()).size(), 3u);
  EXPECT_EQ(jobs_in(*queue.next()).size(), 3u);
  EXPECT_FALSE(queue.next());  // Has room, and two are under way.
}

TEST_F(SubmitQueueTest, HoldsAPartialFrameBackOnlyWhileTwoAreUnderWay) {
  SubmitQueue queue{{}};
  add_many(queue, 1, 1);
  const auto first = queue.next()->number;
  add_many(queue, 2, 2);
  ASSERT_TRUE(queue.next());
  add_many(queue, 3, 50);
  EXPECT_FALSE(queue.next());
  queue.answered(first);
  const auto* third = queue.next();
  ASSERT_TRUE(third);
  EXPECT_EQ(jobs_in(*third).size(), 48u);
}

TEST_F(SubmitQueueTest, AFewJobsWaitWhileManyAreUnderWay) {
  SubmitQueue queue{{}};
  add_many(queue, 1, 10);
  const auto first = queue.next()->number;
  add_many(queue, 11, 14);
  EXPECT_FALSE(queue.can_send());
  EXPECT_FALSE(queue.next());
  add_many(queue, 15, 15);
  EXPECT_TRUE(queue.can_send());
  EXPECT_EQ(jobs_in(*queue.next()).size(), 5u);
  add_many(queue, 16, 16);
  queue.answered(first);
  EXPECT_FALSE(queue.next());  // Five are still under way.
  add_many(queue, 17, 18);
  EXPECT_EQ(jobs_in(*queue.next()).size(), 3u);
}

TEST_F(SubmitQueueTest, KeepsTheWindow) {
  SubmitQueue queue{{.window_jobs = 10, .batch_jobs = 4}};
  add_many(queue, 1, 16);
  const auto first = queue.next()->number;
  queue.next();
  EXPECT_EQ(queue.sent_jobs(), 8u);
  EXPECT_FALSE(queue.next());  // 12 would be over the window.
  queue.answered(first);
  EXPECT_TRUE(queue.next());
  EXPECT_EQ(queue.sent_jobs(), 8u);
}

TEST_F(SubmitQueueTest, ABatchOverAWindowThatShrankGoesOutAlone) {
  SubmitQueue queue{{}};
  add_many(queue, 1, 50);
  queue.limit_window(10);
  EXPECT_TRUE(queue.next());
  EXPECT_EQ(queue.sent_jobs(), 50u);
  add_many(queue, 51, 51);
  EXPECT_FALSE(queue.next());
}

TEST_F(SubmitQueueTest, RefusesBeyondItsQueueAndSaysWhenToComeBack) {
  SubmitQueue queue{{.queue_jobs = 2}};
  add_many(queue, 1, 2);
  auto refused = add(queue, 3);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::unavailable);
  EXPECT_GT(refused.error().retry_after_ms, 0);
  queue.next();
  EXPECT_TRUE(add(queue, 3));
}

TEST_F(SubmitQueueTest, RefusesAJobThatNoFrameHolds) {
  SubmitQueue queue{{}};
  add_many(queue, 1, 1);
  auto refused = add(queue, 2, 1'000, kMaxFrameBytes);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::too_large);
  add_many(queue, 3, 3);
  EXPECT_EQ(jobs_in(*queue.next()), (std::vector<std::uint64_t>{1, 3}));
}

TEST_F(SubmitQueueTest, SendsTheSameBytesAgainAfterALostConnection) {
  SubmitQueue queue{{.batch_jobs = 2}};
  add_many(queue, 1, 4);
  const auto first = queue.next()->bytes;
  const auto second = queue.next()->bytes;
  add_many(queue, 5, 5);
  queue.connection_lost();
  EXPECT_EQ(queue.sent_jobs(), 0u);
  EXPECT_EQ(queue.waiting_jobs(), 5u);
  EXPECT_EQ(queue.next()->bytes, first);
  EXPECT_EQ(queue.next()->bytes, second);
}

TEST_F(SubmitQueueTest, SendsARefusedBatchAgainInItsPlace) {
  SubmitQueue queue{{.batch_jobs = 1, .partial_frames = 9}};
  add_many(queue, 1, 3);
  const auto first = queue.next()->number;
  const auto second = queue.next()->number;
  queue.send_again(second);
  queue.send_again(first);
  EXPECT_EQ(queue.next()->number, first);
  EXPECT_EQ(queue.next()->number, second);
}

TEST_F(SubmitQueueTest, GivesEveryJobItsOwnAnswer) {
  SubmitQueue queue{{}};
  add_many(queue, 1, 3);
  const auto* sent = queue.next();
  auto reply = reply_to(*sent);
  reply.answers[1].error = Error{Errc::invalid_argument, "no such kind"};
  complete(*queue.answered(sent->number), std::move(reply));
  ASSERT_EQ(heard.size(), 3u);
  EXPECT_FALSE(heard[0].error);
  EXPECT_EQ(heard[1].error, Errc::invalid_argument);
  EXPECT_FALSE(heard[2].error);
}

TEST_F(SubmitQueueTest, AReplyOfAnotherLengthIsCorruptForAll) {
  SubmitQueue queue{{}};
  add_many(queue, 1, 2);
  complete(*queue.answered(queue.next()->number), SubmitReply{});
  ASSERT_EQ(heard.size(), 2u);
  EXPECT_EQ(heard[0].error, Errc::corrupt);
}

TEST_F(SubmitQueueTest, AnAnswerThatComesTwiceIsHeardOnce) {
  SubmitQueue queue{{}};
  add_many(queue, 1, 1);
  const auto number = queue.next()->number;
  EXPECT_TRUE(queue.answered(number));
  EXPECT_FALSE(queue.answered(number));
}

TEST_F(SubmitQueueTest, FindsWhoseTimeIsOverAndKeepsTheOthers) {
  SubmitQueue queue{{}};
  ASSERT_TRUE(add(queue, 1, 100));
  ASSERT_TRUE(add(queue, 2, 900));
  const auto number = queue.next()->number;
  EXPECT_EQ(queue.next_deadline(), 100);
  EXPECT_EQ(queue.expire(99).size(), 0u);
  EXPECT_EQ(queue.expire(100).size(), 1u);
  EXPECT_EQ(queue.next_deadline(), 900);
  auto batch = queue.answered(number);
  auto reply = reply_to(*batch);
  complete(*std::move(batch), std::move(reply));
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(heard[0].job, 2u);
}

TEST_F(SubmitQueueTest, DropsUnsentJobsNobodyWaitsFor) {
  SubmitQueue queue{{.batch_jobs = 1}};
  ASSERT_TRUE(add(queue, 1, 100));
  ASSERT_TRUE(add(queue, 2, 100));
  EXPECT_EQ(queue.expire(100).size(), 2u);
  EXPECT_EQ(queue.waiting_jobs(), 0u);
  EXPECT_FALSE(queue.next());
  EXPECT_FALSE(queue.next_deadline());
}

TEST_F(SubmitQueueTest, DrainsWhatIsAnywhere) {
  SubmitQueue queue{{.batch_jobs = 1}};
  add_many(queue, 1, 3);
  queue.next();
  for (auto& batch : queue.drain())
    complete(std::move(batch), Error{Errc::cancelled, "closing"});
  EXPECT_EQ(heard.size(), 3u);
  EXPECT_FALSE(queue.next());
}

}  // namespace
}  // namespace troupe::client
