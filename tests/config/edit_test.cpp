#include "config/edit.hpp"

#include <gtest/gtest.h>

namespace troupe {
namespace {

std::string edited(std::string_view text, std::string_view name,
                   std::string_view value) {
  auto out = with_option(text, "troupe.toml", name, value);
  return out ? *out : "error: " + out.error().message;
}

TEST(EditConfigTest, AnEmptyFileGetsSectionAndSetting) {
  EXPECT_EQ(edited("", "queue.max_jobs", "10"), "[queue]\nmax_jobs = 10\n");
}

TEST(EditConfigTest, ASettingThatIsThereIsReplacedInItsPlace) {
  EXPECT_EQ(
      edited("# mine\n[queue]\nmax_jobs = 10  # few\nageing_ms = \"5m\"\n",
             "queue.max_jobs", "20"),
      "# mine\n[queue]\nmax_jobs = 20  # few\nageing_ms = \"5m\"\n");
}

TEST(EditConfigTest, ASectionThatIsThereGetsTheNewSetting) {
  EXPECT_EQ(edited("[queue]\nageing_ms = \"5m\"\n[node]\nport = 1\n",
                   "queue.max_jobs", "20"),
            "[queue]\nmax_jobs = 20\nageing_ms = \"5m\"\n[node]\nport = 1\n");
}

TEST(EditConfigTest, TextsAndUnitsAreQuoted) {
  EXPECT_EQ(edited("[queue]", "queue.ageing_ms", "5m"),
            "[queue]\nageing_ms = \"5m\"\n");
  EXPECT_EQ(edited("", "node.name", "a \"b\" \\"),
            "[node]\nname = \"a \\\"b\\\" \\\\\"\n");
  EXPECT_EQ(edited("", "node.name", "7"), "[node]\nname = \"7\"\n");
}

TEST(EditConfigTest, WhatANodeWouldRefuseIsRefused) {
  EXPECT_NE(edited("", "queue.max_job", "1").find("did you mean"),
            std::string::npos);
  EXPECT_NE(edited("", "queue.max_jobs", "0").find("out of range"),
            std::string::npos);
  EXPECT_NE(edited("", "lease.duration_ms", "1s").find("twice"),
            std::string::npos);
  EXPECT_NE(edited("[queue]\nmax_job = 1\n", "queue.max_jobs", "1")
                .find("troupe.toml:2"),
            std::string::npos);
}

TEST(EditConfigTest, AFileInAnotherStyleKeepsItsOtherSettings) {
  EXPECT_EQ(edited("queue = {max_jobs = 10, ageing_ms = 5}\n", "queue.max_jobs",
                   "20"),
            "queue = {max_jobs = 20, ageing_ms = 5}\n");
  EXPECT_EQ(edited("queue.max_jobs = 10\n", "queue.max_jobs", "20"),
            "queue.max_jobs = 20\n");
  const auto by_hand = with_option("queue.ageing_ms = 10\n", "troupe.toml",
                                   "queue.max_jobs", "20");
  ASSERT_FALSE(by_hand);
  EXPECT_EQ(by_hand.error().code, Errc::unsupported);
  EXPECT_NE(by_hand.error().message.find("max_jobs = 20"), std::string::npos);
}

}  // namespace
}  // namespace troupe
