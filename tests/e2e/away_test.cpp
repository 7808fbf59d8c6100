// Commands that watch while their node is away.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/e2e/program.hpp"
#include "tests/platform/eventually.hpp"

namespace troupe::test {
namespace {

using platform::eventually;
using testing::HasSubstr;
using testing::Not;

constexpr char kAway[] = "the node is away; waiting for it\n";
constexpr char kBack[] = "the node is back\n";

class AwayTest : public testing::Test {
 protected:
  void SetUp() override {
    node_ = place_.node();
    id_ = place_.submit(
        {"process.run", "--", "sh", "-c", "echo here; sleep 600"});
    ASSERT_TRUE(place_.reaches(id_, "running"));
  }
  void TearDown() override {
    if (!node_) return;
    node_->signal(SIGTERM);
    EXPECT_EQ(node_->finish().code, 0);
  }

  void kill_node() {
    node_->signal(SIGKILL);
    node_->finish();
    node_.reset();
  }
  static bool says(const Process& process, const std::string& text) {
    return eventually(
        [&] { return process.said().find(text) != std::string::npos; });
  }
  static std::size_t count(const std::string& text, const std::string& part) {
    std::size_t n = 0;
    for (auto at = text.find(part); at != text.npos;
         at = text.find(part, at + 1))
      ++n;
    return n;
  }

  Workplace place_;
  std::unique_ptr<Process> node_;
  std::string id_;
};

TEST_F(AwayTest, WhoFollowsIsToldOnceAndGoesOn) {
  auto events = place_.start({"jobs", "events", id_, "--follow", "--json"});
  ASSERT_TRUE(events->read_line());
  auto logs = place_.start({"jobs", "logs", id_, "--follow"});
  ASSERT_EQ(logs->read_line(), "stdout | here");
  kill_node();
  EXPECT_TRUE(says(*events, kAway));
  EXPECT_TRUE(says(*logs, kAway));
  node_ = place_.node();
  EXPECT_TRUE(says(*events, kBack));
  EXPECT_TRUE(says(*logs, kBack));
  EXPECT_TRUE(says(*logs, "attempt 2 begins\n"));
  EXPECT_EQ(place_.troupe({"jobs", "cancel", id_}).code, 0);
  for (auto* watch : {events.get(), logs.get()}) {
    const auto output = watch->finish();
    EXPECT_EQ(output.code, 0) << output.err;
    EXPECT_EQ(count(output.err, kAway), 1u) << output.err;
    EXPECT_EQ(count(output.err, kBack), 1u) << output.err;
    EXPECT_THAT(output.out, Not(HasSubstr("away")));
    EXPECT_LT(output.err.find(kBack), output.err.find("attempt 1 is to be"));
  }
}

TEST_F(AwayTest, AShortAbsenceIsABorderBetweenTheAttemptsInTheLog) {
  auto logs = place_.start({"jobs", "logs", id_, "--follow"});
  ASSERT_EQ(logs->read_line(), "stdout | here");
  kill_node();
  node_ = place_.node();
  EXPECT_EQ(logs->read_line(), "stdout | here");
  EXPECT_EQ(place_.troupe({"jobs", "cancel", id_}).code, 0);
  const auto output = logs->finish();
  EXPECT_EQ(output.code, 0) << output.err;
  const auto lost =
      output.err.find("attempt 1 is to be repeated as attempt 2: ");
  ASSERT_NE(lost, output.err.npos) << output.err;
  EXPECT_NE(output.err.find("\nattempt 2 begins\n", lost), output.err.npos);
  EXPECT_EQ(count(output.err, "attempt 1 begins"), 0u);
}

TEST_F(AwayTest, WhoWaitsGoesOnWhenTheNodeIsBack) {
  auto wait = place_.start({"jobs", "wait", id_, "--json"});
  ASSERT_TRUE(wait->catches_interrupts());
  kill_node();
  EXPECT_TRUE(says(*wait, kAway));
  node_ = place_.node();
  EXPECT_TRUE(says(*wait, kBack));
  EXPECT_EQ(place_.troupe({"jobs", "cancel", id_}).code, 0);
  const auto output = wait->finish();
  EXPECT_EQ(output.code, 1) << output.err;
  EXPECT_EQ(output.json()["state"], "cancelled");
}

TEST_F(AwayTest, WhoWaitsGivesUpWhenItsTimeIsOver) {
  auto wait = place_.start({"jobs", "wait", id_, "--timeout", "7s"});
  ASSERT_TRUE(wait->catches_interrupts());
  kill_node();
  const auto output = wait->finish();
  EXPECT_EQ(output.code, 7) << output.err;
  EXPECT_THAT(output.err, HasSubstr(kAway));
  EXPECT_THAT(output.err, HasSubstr("not all of these jobs have ended yet"));
}

}  // namespace
}  // namespace troupe::test
