#include "codec/json_path.hpp"

#include <gtest/gtest.h>

namespace troupe {
namespace {

TEST(PathOfBreak, NamesTheMemberOrItemThatWasBeingRead) {
  EXPECT_EQ(path_of_break(R"({"a":1,"b":{"c":[1,{"d":"\ud800"}]}})"),
            "b.c[1].d");
  EXPECT_EQ(path_of_break(R"([[1,2],[3,]])"), "[1][1]");
  EXPECT_EQ(path_of_break(R"({"a":[1],"b":x})"), "b");
}

TEST(PathOfBreak, IsEmptyWhereThereIsNoneToName) {
  EXPECT_EQ(path_of_break(R"({"a":1})"), "");
  EXPECT_EQ(path_of_break("nonsense"), "");
  EXPECT_EQ(path_of_break(std::string(100, '[')).substr(0, 6), "[0][0]")
      << "one nested too deep stops, too";
}

}  // namespace
}  // namespace troupe
