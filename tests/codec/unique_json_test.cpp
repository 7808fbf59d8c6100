#include "codec/unique_json.hpp"

#include <gtest/gtest.h>

#include "codec/json.hpp"

namespace troupe {
namespace {

std::string fault(std::string_view text) {
  const auto json = parse_unique_json(text);
  return json ? "none" : json.error().message;
}

TEST(UniqueJson, BuildsWhatTheTextSays) {
  const std::string text =
      R"([{"a":[1,-2,2.5,"x",true,null,{}],"b":{"c":[[]]}},"end"])";
  const auto json = parse_unique_json(text);
  ASSERT_TRUE(json) << json.error().message;
  EXPECT_EQ(json->dump(), text);
  EXPECT_EQ(parse_unique_json("7")->get<int>(), 7);
}

TEST(UniqueJson, RefusesAMemberThatIsThereTwice) {
  EXPECT_EQ(fault(R"({"a":1,"b":{"a":1},"c":[{"a":1},{"a":1}]})"), "none");
  EXPECT_EQ(fault(R"({"a":1,"a":1})"), "json: 'a' is there twice");
  EXPECT_EQ(fault(R"([{"b":{"a":{},"a":{}}}])"), "json: 'a' is there twice");
}

TEST(UniqueJson, NamesTheByteThatIsNoJson) {
  EXPECT_EQ(fault(""), "json: is no JSON at byte 1");
  EXPECT_EQ(fault("{} x"), "json: is no JSON at byte 4");
  EXPECT_EQ(fault("[1,]"), "json: is no JSON at byte 4");
}

TEST(UniqueJson, RefusesNestingBeyondTheLimit) {
  const auto nested = [](int depth) {
    const auto n = static_cast<std::size_t>(depth);
    return fault(std::string(n, '[') + std::string(n, ']'));
  };
  EXPECT_EQ(nested(kMaxJsonDepth), "none");
  EXPECT_EQ(nested(kMaxJsonDepth + 1), "json: nested too deep");
}

}  // namespace
}  // namespace troupe
