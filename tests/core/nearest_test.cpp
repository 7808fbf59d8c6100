#include "core/nearest.hpp"

#include <gtest/gtest.h>

#include "core/job.hpp"

namespace troupe {
namespace {

const std::vector<std::string> kWords{"submit", "run",    "jobs",
                                      "queue",  "config", "console"};

TEST(NearestTest, FindsAMistypedWord) {
  EXPECT_EQ(nearest_names("sumbit", kWords),
            std::vector<std::string>{"submit"});
  EXPECT_EQ(nearest_names("JOB", kWords), std::vector<std::string>{"jobs"});
}

TEST(NearestTest, FindsWhatAWordBegins) {
  EXPECT_EQ(nearest_names("con", kWords),
            (std::vector<std::string>{"config", "console"}));
}

TEST(NearestTest, FindsNothingForWordsFarAway) {
  EXPECT_TRUE(nearest_names("xylophone", kWords).empty());
  EXPECT_TRUE(nearest_names("", kWords).empty());
  EXPECT_TRUE(nearest_names("xy", kWords).empty());
  EXPECT_TRUE(nearest_names("abc", kWords).empty());
  EXPECT_TRUE(nearest_names(std::string(5'000, 'a'), kWords).empty());
}

TEST(NearestTest, AsksForTheCloseOnes) {
  EXPECT_EQ(did_you_mean("sumbit", kWords), "; did you mean 'submit'?");
  EXPECT_EQ(did_you_mean("conso", kWords), "; did you mean 'console'?");
  EXPECT_EQ(did_you_mean("zzzzzzzz", kWords), "");
}

TEST(NearestTest, FindsTheValueOfAnEnum) {
  EXPECT_EQ(*enum_named("high", Priority::high), Priority::high);
  const auto unknown = enum_named("hihg", Priority::high);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Errc::invalid_argument);
  EXPECT_TRUE(unknown.error().message.starts_with(
      "'hihg' is unknown; did you mean 'high'? known are "));
  EXPECT_FALSE(enum_named("", Priority::high));
}

}  // namespace
}  // namespace troupe
