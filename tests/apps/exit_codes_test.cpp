#include "apps/exit_codes.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>

namespace troupe {
namespace {

TEST(ExitCodesTest, ThePageHasTheTableOfTheProgram) {
  std::ifstream in{"docs/cli.md"};
  ASSERT_TRUE(in) << "run from the source folder";
  const std::string page{std::istreambuf_iterator<char>(in), {}};
  std::string table = "| code | means |\n|---|---|\n";
  for (const auto& row : kExitCodes)
    table += "| " + std::to_string(static_cast<int>(row.code)) + " | " +
             std::string(row.meaning) + " |\n";
  EXPECT_NE(page.find(table), page.npos) << "it should hold:\n" << table;
}

TEST(ExitCodesTest, EveryErrorHasACodeOfTheTableAndNoneIsSuccess) {
  std::set<ExitCode> known;
  for (const auto& row : kExitCodes) known.insert(row.code);
  for (int i = 1; i <= static_cast<int>(kLastErrc); ++i) {
    const auto code = exit_code(static_cast<Errc>(i));
    EXPECT_TRUE(known.contains(code)) << to_string(static_cast<Errc>(i));
    EXPECT_NE(code, ExitCode::ok) << to_string(static_cast<Errc>(i));
    EXPECT_NE(code, ExitCode::job_failed) << to_string(static_cast<Errc>(i));
  }
}

TEST(ExitCodesTest, OnlySuccessIsSuccess) {
  EXPECT_EQ(exit_code(JobState::succeeded), ExitCode::ok);
  EXPECT_EQ(exit_code(JobState::failed), ExitCode::job_failed);
  EXPECT_EQ(exit_code(JobState::cancelled), ExitCode::job_failed);
  EXPECT_EQ(exit_code(JobState::expired), ExitCode::job_failed);
}

}  // namespace
}  // namespace troupe
