#include "config/gpu_choice.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/option_table.hpp"

namespace troupe {
namespace {

using testing::HasSubstr;

TEST(GpuChoiceTest, AutoTakesEveryNoneTakesNoneAndNumbersTakeThemselves) {
  EXPECT_TRUE(gpu_choice("auto").takes(0));
  EXPECT_TRUE(gpu_choice("auto").takes(7));
  EXPECT_FALSE(gpu_choice("auto").is_none());
  EXPECT_FALSE(gpu_choice("none").takes(0));
  EXPECT_TRUE(gpu_choice("none").is_none());
  const auto two = gpu_choice("0,12");
  EXPECT_TRUE(two.takes(0));
  EXPECT_TRUE(two.takes(12));
  EXPECT_FALSE(two.takes(1));
  EXPECT_FALSE(two.is_none());
}

TEST(GpuChoiceTest, NothingElseIsTakenAndTheAnswerSaysWhatIs) {
  for (const auto* text : {"", "all", "Auto", "0,", ",0", "0, 1", "-1", "256",
                           "0,0", "gpu0", "auto,1", "1.5"}) {
    EXPECT_THAT(gpu_choice_fault(text), HasSubstr("auto")) << text;
    Config config;
    const auto set = set_option(config, "node.gpus", text);
    ASSERT_FALSE(set) << text;
    EXPECT_EQ(set.error().faults.at(0).path, "node.gpus");
    EXPECT_EQ(config.node.gpus, "auto");
  }
}

TEST(GpuChoiceTest, ItIsSetAsOtherOptionsAre) {
  Config config;
  ASSERT_TRUE(set_option(config, "node.gpus", "1,0"));
  EXPECT_EQ(config.node.gpus, "1,0");
  EXPECT_THAT(option_range(*find_option("node.gpus")), HasSubstr("none"));
}

}  // namespace
}  // namespace troupe
