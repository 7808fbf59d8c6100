#include "codec/json_keys.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace troupe {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(JsonKeysTest, AKeyThatStandsTwiceIsNamedByItsPath) {
  EXPECT_THAT(repeated_keys(R"({"kind":"a","kind":"b","kind":"c"})"),
              ElementsAre("kind"));
  EXPECT_THAT(
      repeated_keys(R"({"params":{"env":{"A":1,"A":2}},)"
                    R"("inputs":[{"name":"x"},{"name":"y","name":"z"}]})"),
      ElementsAre("params.env.A", "inputs[1].name"));
}

TEST(JsonKeysTest, TheSameKeyInTwoObjectsIsNoRepetition) {
  EXPECT_THAT(repeated_keys(R"([{"a":1},{"a":{"a":[{"a":2}]}}])"), IsEmpty());
}

TEST(JsonKeysTest, ATextThatIsNoJsonHasNoKeys) {
  EXPECT_THAT(repeated_keys(""), IsEmpty());
  EXPECT_THAT(repeated_keys(R"({"a":1,"a":)"), IsEmpty());
  EXPECT_THAT(repeated_keys(std::string(100'000, '[')), IsEmpty());
}

}  // namespace
}  // namespace troupe
