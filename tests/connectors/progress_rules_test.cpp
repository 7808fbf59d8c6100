#include "connectors/process/progress_rules.hpp"

#include <gtest/gtest.h>

namespace troupe {
namespace {

using Type = ProgressRuleType;

ProgressParser with(std::vector<Type> types) {
  std::vector<ProgressRule> rules;
  for (const auto type : types)
    rules.push_back({.type = type, .duration_s = {}});
  return ProgressParser{rules};
}

TEST(ProgressRules, WithoutRulesNothingIsProgress) {
  EXPECT_FALSE(with({}).feed("50%"));
}

TEST(ProgressRules, ReadsThePlainPercent) {
  auto parser = with({Type::percent});
  EXPECT_DOUBLE_EQ(parser.feed("done 37.5 % of it")->percent, 37.5);
  EXPECT_DOUBLE_EQ(parser.feed("40%")->percent, 40);
  EXPECT_FALSE(parser.feed("no number %"));
  EXPECT_FALSE(parser.feed("12 apples"));
}

TEST(ProgressRules, PercentStaysWithinItsRangeAndNeverGoesBack) {
  auto parser = with({Type::percent});
  EXPECT_DOUBLE_EQ(parser.feed("60%")->percent, 60);
  EXPECT_DOUBLE_EQ(parser.feed("20%")->percent, 60);
  EXPECT_DOUBLE_EQ(parser.feed("999%")->percent, 100);
  EXPECT_FALSE(parser.feed("-5%"));
  EXPECT_DOUBLE_EQ(parser.progress().percent, 100);
}

TEST(ProgressRules, ReadsATqdmBar) {
  auto parser = with({Type::tqdm});
  auto progress = parser.feed(
      "steps:  12%|\u2588\u258F        | 123/1000 [00:10<01:20,  4.20it/s, "
      "avr_loss=0.123]");
  ASSERT_TRUE(progress);
  EXPECT_DOUBLE_EQ(progress->percent, 12.3);
  EXPECT_EQ(progress->done, 123);
  EXPECT_EQ(progress->total, 1000);
  EXPECT_EQ(progress->eta_ms, 80'000);
  EXPECT_DOUBLE_EQ(*progress->rate_per_s, 4.2);
  EXPECT_EQ(progress->unit, "it");
  EXPECT_FALSE(progress->loss);
}

TEST(ProgressRules, ReadsATqdmBarSlowerThanOneASecondAndWithoutEta) {
  auto parser = with({Type::tqdm});
  EXPECT_DOUBLE_EQ(
      *parser.feed(" 50%|##   | 1/2 [00:04<00:04,  4.00s/it]")->rate_per_s,
      0.25);
  auto unknown = with({Type::tqdm});
  auto progress = unknown.feed("  0%|     | 0/2 [00:00<?, ?it/s]");
  ASSERT_TRUE(progress);
  EXPECT_DOUBLE_EQ(progress->percent, 0);
  EXPECT_FALSE(progress->eta_ms);
}

TEST(ProgressRules, ReadsATqdmBarThatCountsBytes) {
  auto parser = with({Type::tqdm});
  auto progress =
      parser.feed("model: 45%|####  | 1.2G/2.7G [00:10<00:12, 120MB/s]");
  ASSERT_TRUE(progress);
  EXPECT_DOUBLE_EQ(progress->percent, 45);
  EXPECT_FALSE(progress->total);
}

TEST(ProgressRules, RulesCombine) {
  auto parser = with({Type::tqdm, Type::loss, Type::learning_rate});
  auto progress = parser.feed(
      "steps: 10%|#  | 10/100 [00:10<01:30, 1.0it/s, avr_loss=1.5e-2, "
      "lr=1e-4]");
  ASSERT_TRUE(progress);
  EXPECT_DOUBLE_EQ(progress->percent, 10);
  EXPECT_DOUBLE_EQ(*progress->loss, 0.015);
  EXPECT_DOUBLE_EQ(*progress->learning_rate, 1e-4);
}

TEST(ProgressRules, StepsCountWithinTheirEpoch) {
  auto parser = with({Type::steps});
  EXPECT_DOUBLE_EQ(parser.feed("Epoch 1/4")->percent, 0);
  EXPECT_DOUBLE_EQ(parser.feed("step 50/100 loss 0.1")->percent, 12.5);
  EXPECT_DOUBLE_EQ(parser.feed("epoch: 3 of 4")->percent, 50);
  EXPECT_DOUBLE_EQ(parser.feed("  [100/100] saved")->percent, 75);
}

TEST(ProgressRules, EpochAndStepMayStandInOneLine) {
  auto parser = with({Type::steps});
  auto progress = parser.feed("epoch 2/2 | step 5/10");
  ASSERT_TRUE(progress);
  EXPECT_DOUBLE_EQ(progress->percent, 75);
  EXPECT_EQ(progress->done, 5);
  EXPECT_EQ(progress->total, 10);
}

TEST(ProgressRules, ATotalOfZeroIsNoProgress) {
  auto parser = with({Type::steps, Type::tqdm});
  EXPECT_FALSE(parser.feed("step 0/0"));
  EXPECT_FALSE(parser.feed("epoch 1/0"));
}

TEST(ProgressRules, ReadsLossesInManyForms) {
  auto parser = with({Type::loss});
  EXPECT_DOUBLE_EQ(*parser.feed("loss: 0.25")->loss, 0.25);
  EXPECT_DOUBLE_EQ(*parser.feed("{'loss': 1.5E-3, 'x': 1}")->loss, 1.5e-3);
  EXPECT_DOUBLE_EQ(*parser.feed("train_loss=2e+1")->loss, 20);
  EXPECT_DOUBLE_EQ(*parser.feed("Loss 3")->loss, 3);
  EXPECT_DOUBLE_EQ(*parser.feed("loss: -0.5")->loss, -0.5);
  EXPECT_FALSE(parser.feed("loss: nan"));
  EXPECT_FALSE(parser.feed("lossless 7"));
  EXPECT_FALSE(parser.feed("gloss: 7"));
}

TEST(ProgressRules, ReadsLearningRates) {
  auto parser = with({Type::learning_rate});
  EXPECT_DOUBLE_EQ(*parser.feed("lr: 1.00e-05")->learning_rate, 1e-5);
  EXPECT_DOUBLE_EQ(*parser.feed("\"learning_rate\": 0.002,")->learning_rate,
                   0.002);
}

TEST(ProgressRules, ReadsTimesLeftInManyForms) {
  auto parser = with({Type::eta});
  EXPECT_EQ(parser.feed("ETA: 1:02:03")->eta_ms, 3'723'000);
  EXPECT_EQ(parser.feed("eta 02:03")->eta_ms, 123'000);
  EXPECT_EQ(parser.feed("ETA 1h 2m 3s")->eta_ms, 3'723'000);
  EXPECT_EQ(parser.feed("eta=1m30s")->eta_ms, 90'000);
  EXPECT_EQ(parser.feed("ETA: 12.5 seconds")->eta_ms, 12'500);
  EXPECT_EQ(parser.feed("eta: 1 day, 0:00:01")->eta_ms, 86'401'000);
  EXPECT_FALSE(parser.feed("ETA: soon"));
  EXPECT_FALSE(parser.feed("beta: 5s"));
}

TEST(ProgressRules, ReadsBlocksOfFfmpegWithTheDurationOfTheJob) {
  ProgressParser parser{{{.type = Type::ffmpeg, .duration_s = 10.0}}};
  EXPECT_FALSE(parser.feed("frame=50"));
  EXPECT_FALSE(parser.feed("fps=25.0"));
  EXPECT_FALSE(parser.feed("out_time_us=2500000"));
  EXPECT_FALSE(parser.feed("speed=   0.5x"));
  auto progress = parser.feed("progress=continue");
  ASSERT_TRUE(progress);
  EXPECT_DOUBLE_EQ(progress->percent, 25);
  EXPECT_EQ(progress->done, 50);
  EXPECT_EQ(progress->unit, "frame");
  EXPECT_EQ(progress->eta_ms, 15'000);
  EXPECT_DOUBLE_EQ(*progress->rate_per_s, 25);
}

TEST(ProgressRules, TakesTheDurationFromFfmpegItself) {
  auto parser = with({Type::ffmpeg});
  EXPECT_FALSE(parser.feed("  Duration: 00:00:20.00, start: 0.000000"));
  EXPECT_FALSE(parser.feed("out_time_ms=5000000"));
  EXPECT_DOUBLE_EQ(parser.feed("progress=continue")->percent, 25);
  EXPECT_DOUBLE_EQ(parser.feed("progress=end")->percent, 100);
}

TEST(ProgressRules, FfmpegWithoutADurationTellsFramesOnly) {
  auto parser = with({Type::ffmpeg});
  EXPECT_FALSE(parser.feed("out_time_us=N/A"));
  EXPECT_FALSE(parser.feed("frame=7"));
  auto progress = parser.feed("progress=continue");
  ASSERT_TRUE(progress);
  EXPECT_LT(progress->percent, 0);
  EXPECT_EQ(progress->done, 7);
}

TEST(ProgressRules, NumbersBeyondAllRangeDoNoHarm) {
  auto parser = with({Type::percent, Type::tqdm, Type::steps, Type::loss,
                      Type::eta, Type::ffmpeg});
  parser.feed(std::string(500, '9') + "%");
  parser.feed("step " + std::string(40, '9') + "/" + std::string(40, '9'));
  parser.feed("loss 1e999 eta " + std::string(60, '9') + "s");
  parser.feed("frame=1e300");
  parser.feed("out_time_us=1e300");
  parser.feed("progress=continue");
  EXPECT_LE(parser.progress().percent, 100);
}

}  // namespace
}  // namespace troupe
