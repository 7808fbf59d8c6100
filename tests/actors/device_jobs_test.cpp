#include "actors/device_jobs.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/platform/temp_dir.hpp"

namespace troupe {
namespace {

class DeviceJobsTest : public ::testing::Test {
 protected:
  Context ctx;
  DeviceJobs jobs{
      ctx, {model_families().begin(), model_families().end()}, {{"/nowhere"}}};
  DeviceNews news;

  static Assignment job(std::uint64_t id, std::string params,
                        std::string model = "echo") {
    Assignment a;
    a.token = {.epoch = 1, .job = {0, id}, .attempt = 1};
    a.spec.kind = "echo";
    a.spec.model = std::move(model);
    a.resident = a.spec.model;
    a.spec.params = std::move(params);
    a.memory_bytes = 1 << 20;
    return a;
  }
  void run_to_the_end() {
    for (int i = 0; jobs.has_step() && i < 1'000; ++i) jobs.step(news);
  }
  const JobEnd& end(std::size_t i) { return news.ends.at(i).end; }
};

TEST_F(DeviceJobsTest, RunsAJobAndShowsItsProgress) {
  jobs.assign(job(1, R"({"text":"hello","steps":4})"), news);
  run_to_the_end();
  ASSERT_EQ(news.ends.size(), 1u);
  EXPECT_EQ(end(0).state, JobState::succeeded);
  EXPECT_EQ(end(0).result, R"({"text":"hello"})");
  ASSERT_EQ(news.live.size(), 4u);
  EXPECT_EQ(news.live[1].progress->percent, 50);
}

TEST_F(DeviceJobsTest, SeveralRunTogether) {
  jobs.assign(job(1, R"({"text":"a","steps":2})"), news);
  jobs.assign(job(2, R"({"text":"b","steps":2})"), news);
  jobs.step(news);  // Loads.
  jobs.step(news);
  EXPECT_EQ(news.live.size(), 2u) << "one step moved both";
}

TEST_F(DeviceJobsTest, AFailureDisturbsNoOther) {
  jobs.assign(job(1, R"({"text":"boom"})"), news);
  jobs.assign(job(2, R"({"text":"b"})"), news);
  run_to_the_end();
  ASSERT_EQ(news.ends.size(), 2u);
  EXPECT_EQ(end(0).state, JobState::failed);
  EXPECT_EQ(end(0).failure->klass, FailureClass::model);
  EXPECT_EQ(end(1).state, JobState::succeeded);
}

TEST_F(DeviceJobsTest, ModelsTakeTurns) {
  jobs.assign(job(1, R"({"text":"a","steps":3})", "one"), news);
  jobs.assign(job(2, R"({"text":"b","steps":3})", "two"), news);
  run_to_the_end();
  ASSERT_EQ(news.ends.size(), 2u);
  ASSERT_EQ(news.live.size(), 6u);
  for (std::size_t i = 0; i < 6; ++i)
    EXPECT_EQ(news.live[i].job, (JobId{0, 1 + i % 2})) << i;
}

TEST_F(DeviceJobsTest, StopEndsQueuedAndRunningOnceAndAFencedOneSilently) {
  jobs.assign(job(1, R"({"text":"a","steps":100})"), news);
  jobs.assign(job(2, R"({"text":"b","steps":100})"), news);
  jobs.step(news);
  jobs.step(news);
  jobs.stop({job(1, "").token, StopReason::cancelled}, news);
  jobs.stop({job(1, "").token, StopReason::cancelled}, news);
  jobs.stop({job(2, "").token, StopReason::fenced}, news);
  jobs.stop({job(3, "").token, StopReason::cancelled}, news);
  ASSERT_EQ(news.ends.size(), 1u);
  EXPECT_EQ(end(0).state, JobState::cancelled);
  EXPECT_FALSE(jobs.has_step());
}

TEST_F(DeviceJobsTest, RefusesWhatNoFamilyRunsAndWhatWasNotReserved) {
  auto strange = job(1, "{}");
  strange.spec.kind = "image.generate";
  jobs.assign(strange, news);
  ASSERT_EQ(news.ends.size(), 1u);
  EXPECT_EQ(end(0).failure->klass, FailureClass::invalid);
  auto greedy = job(2, R"({"text":"a"})");
  greedy.memory_bytes = 1;
  jobs.assign(greedy, news);
  run_to_the_end();
  ASSERT_EQ(news.ends.size(), 2u);
  EXPECT_EQ(end(1).failure->klass, FailureClass::resource);
}

// -- loads --------------------------------------------------------------------

int loads = 0;  // That hold memory now.

class SlowLoader : public Loader {
 public:
  SlowLoader() { ++loads; }
  ~SlowLoader() override { --loads; }
  std::span<const Component> components() const override { return {}; }
  Result<LoadProgress> step() override { return LoadProgress{++step_, 100}; }
  std::string remark() const override { return step_ >= 2 ? "slow" : ""; }
  std::unique_ptr<Engine> take() override { return {}; }

 private:
  std::uint64_t step_ = 0;
};

Result<std::unique_ptr<Loader>> open_slowly(const ModelSource&,
                                            const std::string&, Context&) {
  return std::unique_ptr<Loader>{std::make_unique<SlowLoader>()};
}
Result<std::vector<Component>> plan_nothing(const std::filesystem::path&,
                                            const std::string&,
                                            const Context&) {
  return std::vector<Component>{};
}
constexpr std::string_view kSlowKinds[] = {"echo"};
const ModelFamily slow_family{"slow", kSlowKinds, open_slowly, plan_nothing};

TEST(DeviceJobsLoads, AreAbandonedWhenNobodyWaitsForThemAnyMore) {
  Context ctx;
  DeviceJobs jobs{ctx, {&slow_family}, {{"/nowhere"}}};
  DeviceNews news;
  Assignment one, two;
  one.token.job = {0, 1};
  two.token.job = {0, 2};
  one.spec.kind = two.spec.kind = "echo";
  jobs.assign(one, news);
  jobs.assign(two, news);
  jobs.step(news);
  jobs.stop({one.token, StopReason::cancelled}, news);
  EXPECT_EQ(loads, 1) << "the other waits";
  jobs.step(news);
  jobs.stop({two.token, StopReason::cancelled}, news);
  EXPECT_EQ(loads, 0);
  EXPECT_FALSE(jobs.has_step());
  EXPECT_EQ(news.ends.size(), 2u);
  jobs.assign(one, news);
  jobs.step(news);
  EXPECT_EQ(loads, 1) << "begun anew";
}

int opened = 0;

Result<std::unique_ptr<Loader>> open_counted(const ModelSource& source,
                                             const std::string& setting,
                                             Context& ctx) {
  ++opened;
  return model_families().front()->open(source, setting, ctx);
}
const ModelFamily counted_family{"counted", kSlowKinds, open_counted,
                                 plan_nothing};

TEST(DeviceJobsLoads, HandOnWhatPeopleShouldKnowOnce) {
  Context ctx;
  DeviceJobs jobs{ctx, {&slow_family}, {{"/nowhere"}}};
  DeviceNews news;
  Assignment one;
  one.token.job = {0, 1};
  one.spec.kind = "echo";
  jobs.assign(one, news);
  for (int i = 0; i < 4; ++i) jobs.step(news);
  EXPECT_EQ(news.remarks, std::vector<std::string>{"slow"});
  jobs.stop({one.token, StopReason::cancelled}, news);
}

TEST(DeviceJobsLoads, AreToldInBytesToAllThatWaitForThem) {
  Context ctx;
  DeviceJobs jobs{ctx, {&slow_family}, {{"/nowhere"}}};
  DeviceNews news;
  Assignment one, two;
  one.token = {.epoch = 1, .job = {0, 1}, .attempt = 1};
  two.token = {.epoch = 1, .job = {0, 2}, .attempt = 3};
  one.spec.kind = two.spec.kind = "echo";
  jobs.assign(one, news);
  jobs.assign(two, news);
  jobs.step(news);
  ASSERT_EQ(news.live.size(), 2u);
  EXPECT_EQ(news.live[1].job, (JobId{0, 2}));
  EXPECT_EQ(news.live[1].attempt, 3u);
  const auto& progress = *news.live[0].progress;
  EXPECT_EQ(progress.phase, Phase::loading);
  EXPECT_EQ(progress.percent, 1);
  EXPECT_EQ(progress.done, 1);
  EXPECT_EQ(progress.total, 100);
  EXPECT_EQ(progress.unit, kBytesUnit);
  jobs.stop({one.token, StopReason::cancelled}, news);
  jobs.stop({two.token, StopReason::cancelled}, news);
}

TEST(DeviceJobsLoads, AModelThatWasReplacedIsLoadedAnew) {
  platform::TempDir models;
  const auto file = models.path() / "demo" / "weights";
  std::filesystem::create_directories(file.parent_path());
  std::ofstream{file} << "old";
  Context ctx;
  DeviceJobs jobs{ctx, {&counted_family}, {{models.path()}}};
  DeviceNews news;
  std::uint64_t id = 0;
  const auto run = [&] {
    Assignment a;
    a.token = {.epoch = 1, .job = {0, ++id}, .attempt = 1};
    a.spec.kind = "echo";
    a.spec.model = "demo";
    a.spec.params = R"({"text":"a"})";
    a.memory_bytes = 1 << 20;
    jobs.assign(a, news);
    while (jobs.has_step()) jobs.step(news);
    return opened;
  };
  EXPECT_EQ(run(), 1);
  EXPECT_EQ(run(), 1) << "it is there already";
  std::ofstream{file} << "newer";
  EXPECT_EQ(run(), 2);
  EXPECT_EQ(news.ends.size(), 3u);
}

TEST(DeviceJobsLoads, LeaveOtherModelsWhereTheyAre) {
  Context ctx;
  DeviceJobs jobs{ctx, {&counted_family}, {{"/nowhere"}}};
  DeviceNews news;
  opened = 0;
  std::uint64_t id = 0;
  for (const auto* const model : {"one", "two", "one", "two"}) {
    Assignment a;
    a.token = {.epoch = 1, .job = {0, ++id}, .attempt = 1};
    a.spec.kind = "echo";
    a.spec.model = a.resident = model;
    a.spec.params = R"({"text":"a"})";
    a.memory_bytes = 1 << 20;
    jobs.assign(a, news);
    while (jobs.has_step()) jobs.step(news);
  }
  EXPECT_EQ(news.ends.size(), 4u);
  EXPECT_EQ(opened, 2);
  EXPECT_TRUE(news.dropped.empty());
  jobs.drop({"cpu", "echo", "one"}, news);
  ASSERT_EQ(news.dropped.size(), 1u);
  EXPECT_EQ(news.dropped[0].model, "one");
}

constexpr std::string_view kOtherKinds[] = {"slow"};
const ModelFamily other_family{"other", kOtherKinds, open_slowly, plan_nothing};

TEST(DeviceJobsLoads, LetTheRunsOfOtherModelsGoOn) {
  Context ctx;
  DeviceJobs jobs{
      ctx, {model_families().front(), &other_family}, {{"/nowhere"}}};
  DeviceNews news;
  Assignment slow, quick;
  slow.token = {.epoch = 1, .job = {0, 1}, .attempt = 1};
  slow.spec.kind = "slow";
  slow.resident = "slow";
  quick.token = {.epoch = 1, .job = {0, 2}, .attempt = 1};
  quick.spec.kind = quick.spec.model = quick.resident = "echo";
  quick.spec.params = R"({"text":"a","steps":3})";
  quick.memory_bytes = 1 << 20;
  jobs.assign(slow, news);
  jobs.assign(quick, news);
  for (int i = 0; i < 10; ++i) jobs.step(news);
  ASSERT_EQ(news.ends.size(), 1u);
  EXPECT_EQ(news.ends[0].token.job, quick.token.job);
  EXPECT_EQ(loads, 1);
  jobs.stop({slow.token, StopReason::cancelled}, news);
  EXPECT_EQ(loads, 0);
  ASSERT_EQ(news.dropped.size(), 1u) << "of the load, not of the other model";
  EXPECT_EQ(news.dropped[0].model, "slow");
}

TEST_F(DeviceJobsTest, LoadsAgainAfterTheModelWasDropped) {
  jobs.assign(job(1, R"({"text":"a"})"), news);
  run_to_the_end();
  jobs.drop({"cpu", "echo", "echo"}, news);
  ASSERT_EQ(news.dropped.size(), 1u);
  EXPECT_EQ(news.dropped[0].model, "echo");
  jobs.assign(job(2, R"({"text":"b"})"), news);
  run_to_the_end();
  ASSERT_EQ(news.ends.size(), 2u);
  EXPECT_EQ(end(1).state, JobState::succeeded);
}

TEST_F(DeviceJobsTest, AModelInUseIsDroppedWhenItsLastAttemptHasEnded) {
  jobs.assign(job(1, R"({"text":"a","steps":3})"), news);
  jobs.step(news);
  jobs.drop({"cpu", "echo", "echo"}, news);
  EXPECT_TRUE(news.dropped.empty());
  run_to_the_end();
  ASSERT_EQ(news.ends.size(), 1u);
  EXPECT_EQ(end(0).state, JobState::succeeded);
  EXPECT_EQ(news.dropped.size(), 1u);
}

TEST_F(DeviceJobsTest, AModelThatIsNotThereIsAnsweredAtOnce) {
  jobs.drop({"cpu", "echo", "other"}, news);
  ASSERT_EQ(news.dropped.size(), 1u);
  EXPECT_EQ(news.dropped[0].model, "other");
}

TEST_F(DeviceJobsTest, TellsOfAModelThatCouldNotBeLoadedWhenNobodyWaits) {
  for (const auto id : {1u, 2u}) {
    auto greedy = job(id, R"({"text":"a"})");
    greedy.device = "cpu";
    greedy.memory_bytes = 1;
    jobs.assign(greedy, news);
  }
  jobs.step(news);
  EXPECT_EQ(news.ends.size(), 1u);
  EXPECT_TRUE(news.dropped.empty()) << "the other one tries, too";
  run_to_the_end();
  EXPECT_EQ(news.ends.size(), 2u);
  ASSERT_EQ(news.dropped.size(), 1u);
  EXPECT_EQ(news.dropped[0].device, "cpu");
  EXPECT_EQ(news.dropped[0].kind, "echo");
  EXPECT_EQ(news.dropped[0].model, "echo");
}

}  // namespace
}  // namespace troupe
