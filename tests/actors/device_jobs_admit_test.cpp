// What a device asks of its engine for each step, and what it does not.
#include <gtest/gtest.h>

#include <set>

#include "actors/device_jobs.hpp"

namespace troupe {
namespace {

struct SeatsAsked {
  int settings = 0;  // Requests whose parameters were read for their setting.
  int admits = 0;
  int opened = 0;
};
SeatsAsked seats_asked;

/// Takes two runs, or as many as `seats` says, which go on until they are
/// cancelled or `ends` says so.
class TwoSeats : public Engine {
 public:
  static inline RunId ends = 0;
  static inline std::size_t seats = 2;
  static inline int engines = 0;  // That are there.

  TwoSeats() { ++engines; }
  ~TwoSeats() override { --engines; }

  Result<RunId> admit(const Request&) override {
    ++seats_asked.admits;
    if (runs_.size() == seats)
      return Error{Errc::out_of_memory, "both seats are taken"};
    runs_.insert(next_);
    return next_++;
  }
  void cancel(RunId run) override { runs_.erase(run); }
  StepReport step() override {
    StepReport report;
    for (const auto run : runs_) report.events.push_back({run, StepProgress{}});
    if (runs_.erase(ends) > 0) report.events.push_back({ends, Finished{"{}"}});
    return report;
  }

 private:
  std::set<RunId> runs_;
  RunId next_ = 1;
};

class TwoSeatsLoader : public Loader {
 public:
  std::span<const Component> components() const override { return {}; }
  Result<LoadProgress> step() override { return LoadProgress{1, 1}; }
  std::unique_ptr<Engine> take() override {
    return std::make_unique<TwoSeats>();
  }
};

constexpr std::string_view kSeatKinds[] = {"echo"};
const ModelFamily seats_family{
    "seats", kSeatKinds,
    [](const ModelSource&, const std::string&, Context&) {
      ++seats_asked.opened;
      return Result<std::unique_ptr<Loader>>{
          std::unique_ptr<Loader>{std::make_unique<TwoSeatsLoader>()}};
    },
    [](const std::filesystem::path&, const std::string&, const Context&) {
      return Result<std::vector<Component>>{std::vector<Component>{}};
    },
    [](const Request& request) {
      ++seats_asked.settings;
      return request.params;
    }};

class DeviceJobsAdmitTest : public ::testing::Test {
 protected:
  DeviceJobsAdmitTest() {
    seats_asked = {};
    TwoSeats::ends = 0;
    TwoSeats::seats = 2;
  }
  void assign(std::uint64_t id, std::string setting = "",
              std::string resident = "m") {
    Assignment a;
    a.token = {.epoch = 1, .job = {0, id}, .attempt = 1};
    a.spec.kind = "echo";
    a.spec.model = "m";
    a.spec.params = std::move(setting);
    a.resident = std::move(resident);
    jobs.assign(std::move(a), news);
  }
  void stop(std::uint64_t id) {
    jobs.stop(
        {{.epoch = 1, .job = {0, id}, .attempt = 1}, StopReason::cancelled},
        news);
  }
  void step(int times = 1) {
    while (times-- > 0) jobs.step(news);
  }

  Context ctx;
  DeviceJobs jobs{ctx, {&seats_family}, {{"/nowhere"}}};
  DeviceNews news;
};

TEST_F(DeviceJobsAdmitTest, AFullEngineIsAskedAgainWhenARunHasEnded) {
  for (const auto id : {1u, 2u, 3u, 4u}) assign(id);
  step(10);
  EXPECT_EQ(seats_asked.admits, 3);
  TwoSeats::ends = 1;
  step();
  ASSERT_EQ(news.ends.size(), 1u);
  EXPECT_EQ(seats_asked.admits, 3);
  step(10);
  EXPECT_EQ(seats_asked.admits, 5) << "one came in, another was refused";
}

TEST_F(DeviceJobsAdmitTest, AFullEngineIsAskedAgainWhenARunWasStopped) {
  for (const auto id : {1u, 2u, 3u}) assign(id);
  step(5);
  EXPECT_EQ(seats_asked.admits, 3);
  stop(2);
  step(5);
  EXPECT_EQ(seats_asked.admits, 4);
}

TEST_F(DeviceJobsAdmitTest,
       TheOneBehindARefusedJobIsAskedForWhenThatIsStopped) {
  for (const auto id : {1u, 2u, 3u, 4u}) assign(id);
  step(5);
  stop(3);
  step(5);
  EXPECT_EQ(seats_asked.admits, 4) << "it may be smaller";
}

TEST_F(DeviceJobsAdmitTest, WhoWaitsForRoomIsToldOnceAndWhenThereIsSome) {
  const auto told = [this] {
    std::string all;
    for (const auto& [token, note] : std::exchange(news.notes, {}))
      all += note.name + " " + std::to_string(token.job.lo) + "; ";
    return all;
  };
  for (const auto id : {1u, 2u, 3u}) assign(id);
  step(5);
  EXPECT_EQ(told(), "engine_full 3; ");
  assign(4);
  step(5);
  EXPECT_EQ(told(), "engine_full 4; ");
  TwoSeats::ends = 1;
  step(5);
  EXPECT_EQ(told(), "engine_room 3; ");
  stop(4);
  stop(2);
  assign(5);
  step(5);
  EXPECT_EQ(told(), "") << "one was stopped, the other never waited";
}

TEST_F(DeviceJobsAdmitTest, AJobThatAnEmptyEngineHasNoRoomForFails) {
  TwoSeats::seats = 0;
  assign(1);
  step(2);
  ASSERT_EQ(news.ends.size(), 1u) << "it would wait for ever";
  EXPECT_EQ(news.ends[0].end.failure->klass, FailureClass::resource);
  EXPECT_FALSE(jobs.has_step());
}

TEST_F(DeviceJobsAdmitTest, NoStepReadsTheParametersOfWhoWaits) {
  assign(1, "q8", "m q8");
  assign(2, "q8", "m q8");
  assign(3, "q4", "m q4");
  step(10);
  EXPECT_EQ(seats_asked.admits, 3);
  EXPECT_EQ(seats_asked.settings, 2) << "for the loads";
}

TEST_F(DeviceJobsAdmitTest, AnotherSettingIsAnotherModel) {
  for (const bool named : {true, false}) {
    SCOPED_TRACE(named);
    seats_asked = {};
    TwoSeats::ends = 1;
    assign(1, "q8", named ? "m q8" : "");
    assign(2, "q4", named ? "m q4" : "");
    for (int i = 0; jobs.has_step() && i < 100; ++i) jobs.step(news);
    EXPECT_EQ(seats_asked.opened, 2);
    EXPECT_EQ(seats_asked.admits, 2);
  }
  EXPECT_EQ(news.ends.size(), 4u);
}

TEST_F(DeviceJobsAdmitTest, AnUnusedModelThatNobodyCountsMakesRoomForTheNext) {
  TwoSeats::ends = 1;
  const auto run = [&](std::string setting, std::string resident) {
    assign(1, std::move(setting), std::move(resident));
    for (int i = 0; jobs.has_step() && i < 100; ++i) jobs.step(news);
    return TwoSeats::engines;
  };
  EXPECT_EQ(run("q8", ""), 1);
  EXPECT_EQ(run("q4", ""), 1);
  EXPECT_EQ(run("q8", "m q8"), 1) << "it takes the room of the uncounted one";
  EXPECT_EQ(run("q4", "m q4"), 2);
  EXPECT_EQ(run("q4", ""), 3);
}

}  // namespace
}  // namespace troupe
