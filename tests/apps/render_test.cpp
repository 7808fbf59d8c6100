#include <gtest/gtest.h>

#include "apps/render/amounts.hpp"
#include "apps/render/bar.hpp"
#include "apps/render/table.hpp"

namespace troupe::render {
namespace {

TEST(AmountsTest, DurationsAreShort) {
  EXPECT_EQ(duration(0), "0.0 s");
  EXPECT_EQ(duration(9'949), "9.9 s");
  EXPECT_EQ(duration(59'999), "59 s");
  EXPECT_EQ(duration(185'000), "3 min 05 s");
  EXPECT_EQ(duration(7'800'000), "2 h 10 min");
  EXPECT_EQ(duration(270'000'000), "3 d 3 h");
  EXPECT_EQ(duration(-1), "-");
}

TEST(AmountsTest, AClockIsNotOverBeforeItIsOver) {
  EXPECT_EQ(clock(0), "0:00");
  EXPECT_EQ(clock(1), "0:01");
  EXPECT_EQ(clock(59'001), "1:00");
  EXPECT_EQ(clock(3'723'000), "1:02:03");
}

TEST(AmountsTest, BytesHaveOneDecimalAndNeverFourDigitsBeforeIt) {
  EXPECT_EQ(bytes(0), "0 B");
  EXPECT_EQ(bytes(1'023), "1023 B");
  EXPECT_EQ(bytes(1'024), "1.0 KiB");
  EXPECT_EQ(bytes(1'048'575), "1.0 MiB");
  EXPECT_EQ(bytes(5'368'709'120), "5.0 GiB");
}

TEST(AmountsTest, TimesAreUtcForScripts) {
  EXPECT_EQ(utc(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(utc(1'795'253'561'123), "2026-11-21T09:32:41.123Z");
}

TEST(TableTest, ColumnsAreAsWideAsTheirWidestCell) {
  EXPECT_EQ(table({{"ID", "STATE"}, {"abc", "x"}}), "ID   STATE\nabc  x\n");
}

TEST(TableTest, TheLastColumnIsCutToTheTerminal) {
  EXPECT_EQ(table({{"a", "a very long remark"}}, 14), "a  a very lon…\n");
}

TEST(TableTest, CountsCharactersNotBytes) {
  EXPECT_EQ(width("naïve …"), 7u);
  EXPECT_EQ(width("\x1b[31mred\x1b[0m"), 3u);
  EXPECT_EQ(cut("naïve", 4), "naï…");
}

TEST(TableTest, ControlCharactersCannotReachTheTerminal) {
  EXPECT_EQ(printable("a\x1b]0;x\x07z\ty"), "a␛]0;x␇z y");
}

TEST(BarTest, FillsByTheShareAndNeverBeyondItsWidth) {
  EXPECT_EQ(bar(0, 10, false), "[        ]");
  EXPECT_EQ(bar(50, 10, false), "[====>   ]");
  EXPECT_EQ(bar(100, 10, false), "[========]");
  EXPECT_EQ(bar(150, 10, false), "[========]");
  EXPECT_EQ(bar(-1, 10, false), "[        ]");
  EXPECT_EQ(bar(50, 4, true), "██░░");
  EXPECT_EQ(bar(56.25, 4, true), "██▎░");
  for (double percent = 0; percent <= 100; percent += 0.5)
    EXPECT_EQ(width(bar(percent, 17, true)), 17u) << percent;
}

Progress half() {
  Progress progress;
  progress.percent = 42.7;
  progress.done = 128;
  progress.total = 300;
  progress.unit = "frame";
  progress.rate_per_s = 30.2;
  progress.eta_ms = 5'700;
  return progress;
}

TEST(BarTest, ALineHasPhasePercentCountRateAndTimeLeft) {
  EXPECT_EQ(progress_line(JobState::running, half(), "", {80, false, false}),
            "executing  42% [===========>                ] 128/300 frame  30/s "
            " ETA 0:06");
}

TEST(BarTest, LossesAndLearningRatesKeepTheirExponents) {
  Progress progress;
  progress.percent = 50;
  progress.loss = 9.9e-7;
  progress.learning_rate = 0.00123;
  const auto line =
      progress_line(JobState::running, progress, "", {80, false, false});
  EXPECT_NE(line.find("loss 9.9e-07  lr 0.00123"), std::string::npos) << line;
}

TEST(BarTest, ALineNeverWraps) {
  for (std::size_t columns : {20u, 40u, 60u, 80u, 200u})
    EXPECT_LT(
        width(progress_line(JobState::running, half(), "some words of the job",
                            {columns, false, true})),
        columns);
}

TEST(BarTest, WhatIsNotKnownIsLeftOut) {
  EXPECT_EQ(progress_line(JobState::queued, {}, "", {40, false, false}),
            "queued      -% [                     ]");
}

TEST(BarTest, ATransferShowsRateAndTimeLeft) {
  EXPECT_EQ(transfer_line("film.mp4", 50 << 20, 200 << 20, 10 << 20,
                          {80, false, false}),
            "film.mp4  25% [=====>                ] 50.0 MiB/200.0 MiB  10.0 "
            "MiB/s  ETA 0:15");
}

TEST(BarTest, TheTimeLeftFollowsTheAverageSpeed) {
  EXPECT_EQ(eta_ms(25, 10'000), 30'000);
  EXPECT_EQ(eta_ms(0, 10'000), std::nullopt);
  EXPECT_EQ(eta_ms(-1, 10'000), std::nullopt);
  EXPECT_EQ(eta_ms(100, 10'000), 0);
}

}  // namespace
}  // namespace troupe::render
