#include "apps/away_notice.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace troupe {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr char kAway[] = "the node is away; waiting for it";
constexpr char kBack[] = "the node is back";

class SetClock : public SteadyClock {
 public:
  SteadyMs now() const override { return now_ms; }
  SteadyMs now_ms = 1'000'000;
};

class AwayNoticeTest : public testing::Test {
 protected:
  void silence(std::int64_t ms) {
    clock.now_ms += ms;
    notice.step(false);
  }

  SetClock clock;
  Status answer = ok();  // Of the node.
  int asked = 0;
  std::vector<std::string> said;
  AwayNotice notice{[this](std::int64_t) {
                      ++asked;
                      return answer;
                    },
                    [this](const std::string& text) { said.push_back(text); },
                    clock};
};

TEST_F(AwayNoticeTest, TellsOnceThatTheNodeIsAwayAndOnceThatItIsBack) {
  answer = Error{Errc::timeout, "no answer"};
  silence(3'000);
  silence(3'000);
  EXPECT_THAT(said, ElementsAre(kAway));
  answer = ok();
  silence(3'000);
  silence(3'000);
  EXPECT_THAT(said, ElementsAre(kAway, kBack));
}

TEST_F(AwayNoticeTest, TellsItAgainTheNextTime) {
  answer = Error{Errc::unavailable, "nobody"};
  silence(3'000);
  notice.step(true);
  silence(3'000);
  EXPECT_THAT(said, ElementsAre(kAway, kBack, kAway));
}

TEST_F(AwayNoticeTest, AsksOnlyAfterALongSilence) {
  answer = Error{Errc::timeout, "no answer"};
  silence(2'999);
  EXPECT_EQ(asked, 0);
  notice.step(true);
  silence(2'999);
  EXPECT_EQ(asked, 0);
  silence(1);
  EXPECT_EQ(asked, 1);
  silence(2'999);
  EXPECT_EQ(asked, 1) << "asked without a pause";
}

TEST_F(AwayNoticeTest, ANodeThatAnswersIsThereWhateverItSays) {
  silence(3'000);
  answer = Error{Errc::denied, "not you"};
  silence(3'000);
  EXPECT_EQ(asked, 2);
  EXPECT_THAT(said, IsEmpty());
}

}  // namespace
}  // namespace troupe
