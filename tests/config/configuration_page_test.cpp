// docs/configuration.md holds the tables that the program prints.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "config/option_table.hpp"

namespace troupe {
namespace {

TEST(ConfigurationPageTest, HoldsTheTablesOfTheProgram) {
  std::ifstream in{"docs/configuration.md"};
  ASSERT_TRUE(in) << "run from the source folder";
  std::string page{std::istreambuf_iterator<char>(in), {}};
  EXPECT_NE(page.find(option_markdown()), page.npos)
      << "docs/configuration.md is out of date. Its tables must be:\n\n"
      << option_markdown();
}

}  // namespace
}  // namespace troupe
