// What TAB offers in the console.
#include "apps/completion.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kinds/kinds.hpp"

namespace troupe {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Not;
using testing::UnorderedElementsAre;

std::vector<std::string> offers(std::string_view before) {
  return completions(before, all_kinds(), {"01KAAA", "01KBBB"});
}

TEST(CompletionTest, AnEmptyLineOffersEveryCommand) {
  EXPECT_THAT(offers(""),
              IsSupersetOf({"submit", "run", "jobs", "queue", "exit", "help"}));
}

TEST(CompletionTest, OffersNothingThatTheConsoleDoesNotHave) {
  EXPECT_THAT(offers(""), Not(Contains("console")));
  EXPECT_THAT(offers(""), Not(Contains("node")));
}

TEST(CompletionTest, ACommandIsCompletedFromItsBeginning) {
  EXPECT_THAT(offers("su"), ElementsAre("submit"));
  EXPECT_THAT(offers("jobs ca"), ElementsAre("cancel"));
  EXPECT_THAT(offers("zz"), IsEmpty());
}

TEST(CompletionTest, ASubcommandIsOfferedAfterItsCommandAlone) {
  EXPECT_THAT(offers("jobs "), IsSupersetOf({"list", "show", "wait", "logs"}));
  EXPECT_THAT(offers("list "), Not(Contains("show")));
}

TEST(CompletionTest, OptionsAreOfferedBehindADash) {
  EXPECT_THAT(offers("jobs list --st"), ElementsAre("--state"));
  EXPECT_THAT(offers("submit echo --pri"), ElementsAre("--priority"));
}

TEST(CompletionTest, KindsAreOfferedWhereOneIsAsked) {
  EXPECT_THAT(offers("submit pro"), ElementsAre("process.run"));
  EXPECT_THAT(offers("run e"), ElementsAre("echo"));
  EXPECT_THAT(offers("jobs show pro"), IsEmpty());
}

TEST(CompletionTest, RecentIdsAreOfferedWhereAJobIsNamed) {
  EXPECT_THAT(offers("jobs show 01K"),
              UnorderedElementsAre("01KAAA", "01KBBB"));
  EXPECT_THAT(offers("jobs cancel 01KA"), ElementsAre("01KAAA"));
  EXPECT_THAT(offers("01K"), IsEmpty());
}

TEST(CompletionTest, AnOpenQuoteOffersNothing) {
  EXPECT_THAT(offers("submit echo -p 'text=a"), IsEmpty());
}

}  // namespace
}  // namespace troupe
