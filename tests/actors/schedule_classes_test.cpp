// A model takes other memory on another class of devices, or cannot run there.
#include <gmock/gmock.h>

#include "tests/actors/schedule_desk.hpp"

namespace troupe {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ScheduleClassesTest : public ::testing::Test {
 protected:
  ScheduleClassesTest() {
    desk.up(device("cpu", 4, 10 * kGiB, {"text"}));
    desk.up(device("gpu0", 4, 8 * kGiB, {"text"}));
  }
  JobSpec text(const std::string& on = {}) {
    auto s = desk.spec();
    s.kind = "text";
    s.device = on;
    return s;
  }
  static std::vector<ModelPart> parts(std::uint64_t gib) {
    return {{"m", "weights", gib * kGiB}};
  }
  /// On the CPU, and on the GPU: 0 is that it cannot run there.
  static ModelUse use(std::uint64_t cpu_gib, std::uint64_t gpu_gib) {
    const auto on = [](const std::string& klass, std::uint64_t gib) {
      return gib == 0 ? ClassUse{klass, {}, "heads of 80 are too wide"}
                      : ClassUse{klass, parts(gib), {}};
    };
    ModelUse all;
    all.model = "m";
    all.other = on({}, cpu_gib);
    all.classes = {on("class-gpu0", gpu_gib)};
    return all;
  }
  std::uint64_t reserved_gib(const std::string& device) {
    for (const auto& report : desk.ledger.report())
      if (report.device == device) return report.reserved_bytes / kGiB;
    return ~std::uint64_t{0};
  }
  Desk desk;
};

TEST_F(ScheduleClassesTest, EachDeviceReservesWhatItsClassTakes) {
  const auto one = desk.submit(text("cpu"), use(6, 3));
  const auto two = desk.submit(text("gpu0"), use(6, 3));
  EXPECT_THAT(desk.plan(), ::testing::UnorderedElementsAre(one, two));
  EXPECT_EQ(reserved_gib("cpu"), 6u);
  EXPECT_EQ(reserved_gib("gpu0"), 3u);
  EXPECT_EQ(desk.started.at(two).memory_bytes, 3 * kGiB);
  desk.succeed(one);
  desk.succeed(two);
  desk.advance(60'000);
  desk.answer_drops();
  EXPECT_EQ(desk.reserved_bytes(), 0u);
}

TEST_F(ScheduleClassesTest, AModelThatIsTooBigForOneClassRunsOnTheOther) {
  const auto id = desk.submit(text(), use(11, 7));
  EXPECT_THAT(desk.plan(), ElementsAre(id));
  EXPECT_EQ(desk.where.at(id), "gpu0");
}

TEST_F(ScheduleClassesTest, AModelThatOneClassCannotRunRunsOnTheOther) {
  const auto id = desk.submit(text(), use(4, 0));
  const auto other = desk.submit(text(), use(4, 0));
  EXPECT_THAT(desk.plan(), ElementsAre(id, other));
  EXPECT_EQ(desk.where.at(id), "cpu");
  EXPECT_EQ(desk.where.at(other), "cpu");
  EXPECT_EQ(reserved_gib("gpu0"), 0u);
}

TEST_F(ScheduleClassesTest, ADeviceThatCannotRunItIsRefusedWithTheReason) {
  const auto outcome = desk.offer(text("gpu0"), use(4, 0));
  ASSERT_TRUE(outcome.answer.error);
  EXPECT_EQ(outcome.answer.error->code, Errc::invalid_argument);
  EXPECT_EQ(outcome.answer.error->faults.at(0).path, "model");
  EXPECT_THAT(outcome.answer.error->faults.at(0).message,
              HasSubstr("cannot be used on gpu0: heads of 80 are too wide"));
}

TEST_F(ScheduleClassesTest, OneThatFitsNoClassIsRefusedWithItsOwnFigures) {
  const auto outcome = desk.offer(text("gpu0"), use(4, 9));
  ASSERT_TRUE(outcome.answer.error);
  EXPECT_THAT(outcome.answer.error->faults.at(0).message,
              HasSubstr("takes 9 GiB; the largest device for it, gpu0, lends "
                        "8 GiB"));
}

TEST_F(ScheduleClassesTest, AModelIsReplacedOnlyWhereItChanged) {
  desk.succeed([&] {
    const auto id = desk.submit(text("cpu"), use(4, 3));
    desk.plan();
    return id;
  }());
  const auto id = desk.submit(text("gpu0"), use(4, 5));
  EXPECT_THAT(desk.plan(), ElementsAre(id));
  desk.advance(0);
  EXPECT_TRUE(desk.drops.empty()) << "on the CPU it is the same";
  EXPECT_EQ(reserved_gib("cpu"), 4u);
  EXPECT_EQ(reserved_gib("gpu0"), 5u);
}

TEST_F(ScheduleClassesTest, ARestartedSchedulerKnowsEachClass) {
  const auto id = desk.submit(text("gpu0"), use(6, 3));
  desk.plan();
  desk.restart();
  desk.up(device("cpu", 4, 10 * kGiB, {"text"}));
  desk.up(device("gpu0", 4, 8 * kGiB, {"text"}));
  const auto two = desk.submit(text("gpu0"), use(6, 3));
  EXPECT_THAT(desk.plan(), ElementsAre(two));
  desk.succeed(id);
  desk.succeed(two);
  desk.advance(60'000);
  desk.answer_drops();
  EXPECT_EQ(desk.reserved_bytes(), 0u);
}

TEST_F(ScheduleClassesTest, AWaitingJobIsToldOfItsOwnFigures) {
  desk.down("cpu");
  desk.submit(text("gpu0"),
              std::vector<ModelPart>{{"other", "weights", 6 * kGiB}});
  desk.plan();
  const auto id = desk.submit(text("gpu0"), use(6, 3));
  EXPECT_TRUE(desk.plan().empty());
  EXPECT_THAT(desk.why(id),
              HasSubstr("memory: it needs 3 GiB; gpu0 has 2 GiB"));
}

}  // namespace
}  // namespace troupe
