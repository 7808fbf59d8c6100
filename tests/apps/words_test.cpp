#include "apps/words.hpp"

#include <gtest/gtest.h>

namespace troupe {
namespace {

using Words = std::vector<std::string>;

TEST(SplitWordsTest, SpacesSeparateAndQuotesKeepThem) {
  EXPECT_EQ(*split_words("  jobs   show  x "), (Words{"jobs", "show", "x"}));
  EXPECT_EQ(*split_words("submit -p 'text=a b' \"c d\""),
            (Words{"submit", "-p", "text=a b", "c d"}));
  EXPECT_EQ(*split_words(R"(a\ b 'c\d' "e\"f")"),
            (Words{"a b", R"(c\d)", "e\"f"}));
  EXPECT_EQ(*split_words("a''b ''"), (Words{"ab", ""}));
  EXPECT_TRUE(split_words("")->empty());
}

TEST(SplitWordsTest, AQuoteMustBeClosed) {
  EXPECT_FALSE(split_words("say 'hello"));
  EXPECT_FALSE(split_words("say \"hello"));
}

}  // namespace
}  // namespace troupe
