#include "connectors/process/live_batch.hpp"

#include <gtest/gtest.h>

namespace troupe {
namespace {

class LiveBatchTest : public ::testing::Test {
 protected:
  JobId job{.hi = 1, .lo = 2};
  LiveBatch batch{job, 3};
};

TEST_F(LiveBatchTest, KeepsLinesInOrderAndOnlyTheNewestProgress) {
  batch.add_line("stdout", "a", 10);
  batch.add_line("stderr", "b", 11);
  batch.set_progress({.percent = 1});
  batch.set_progress({.percent = 2});
  auto events = batch.take(12);
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].log->text, "a");
  EXPECT_EQ(events[0].time_ms, 10);
  EXPECT_EQ(events[1].log->stream, "stderr");
  EXPECT_EQ(events[2].progress->percent, 2);
  EXPECT_EQ(events[2].job, job);
  EXPECT_EQ(events[2].attempt, 3u);
  EXPECT_TRUE(batch.empty());
  EXPECT_TRUE(batch.take(13).empty());
}

TEST_F(LiveBatchTest, ThePhaseStaysWithLaterProgress) {
  batch.set_phase(Phase::saving);
  batch.set_progress({.percent = 50});
  auto events = batch.take(1);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].progress->phase, Phase::saving);
  EXPECT_EQ(events[0].progress->percent, 50);
}

TEST_F(LiveBatchTest, DropsTheOldestLinesBeyondTheLimitAndSaysSo) {
  for (std::size_t i = 0; i <= kMaxLiveLines; ++i)
    batch.add_line("stdout", std::to_string(i), 1);
  auto events = batch.take(1);
  ASSERT_EQ(events.size(), kMaxLiveLines + 1);
  EXPECT_NE(events[0].log->text.find("1 lines not shown"), std::string::npos);
  EXPECT_EQ(events[0].log->stream, "node");
  EXPECT_EQ(events[1].log->text, "1");
  EXPECT_EQ(events.back().log->text, std::to_string(kMaxLiveLines));
}

TEST_F(LiveBatchTest, StaysBelowItsBytes) {
  for (int i = 0; i < 50; ++i)
    batch.add_line("stdout", std::string(kMaxLiveLineBytes, 'x'), 1);
  std::size_t bytes = 0;
  for (const auto& event : batch.take(1)) bytes += event.log->text.size();
  EXPECT_LE(bytes, kMaxLiveBytes + 100);
  EXPECT_GE(bytes, kMaxLiveBytes / 2);
}

TEST_F(LiveBatchTest, CutsALongLineBetweenCharacters) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "\u20AC";
  batch.add_line("stdout", text, 1);
  const auto shown = batch.take(1)[0].log->text;
  EXPECT_TRUE(shown.ends_with("\u20AC [cut: see the log]"));
}

}  // namespace
}  // namespace troupe
