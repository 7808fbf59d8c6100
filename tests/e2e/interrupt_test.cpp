// Ctrl-C on a `run`, once or twice, and what becomes of its job.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <sstream>

#include "tests/e2e/program.hpp"
#include "tests/platform/eventually.hpp"

namespace troupe::test {
namespace {

using platform::eventually;
using testing::HasSubstr;
using testing::Not;

class InterruptTest : public testing::Test {
 protected:
  /// A `run` of a job that runs now, which takes its time to stop.
  void run() {
    run_ = place_.start({"run", "process.run", "-p", "grace_ms=1000", "--logs",
                         "--", "sh", "-c",
                         "trap '' TERM; echo up; while :; do sleep 1; done"});
    ASSERT_EQ(run_->read_line(), "up");
    std::istringstream said{run_->said()};
    for (std::string line; std::getline(said, line) && id_.size() != 26;)
      id_ = line;
    ASSERT_EQ(id_.size(), 26u);
  }
  bool says(const std::string& text) const {
    return eventually(
        [&] { return run_->said().find(text) != std::string::npos; });
  }
  /// Two signals of one number at once may count as one.
  void press_twice_at_once() {
    run_->signal(SIGINT);
    run_->signal(SIGTERM);
  }
  void end(Process& node) const {
    place_.troupe({"jobs", "cancel", id_});
    node.signal(SIGTERM);
    EXPECT_EQ(node.finish().code, 0);
  }

  Workplace place_;
  std::unique_ptr<Process> run_;
  std::string id_;
};

TEST_F(InterruptTest, CtrlCTwiceAtOnceCancelsAndLeaves) {
  auto node = place_.node();
  run();
  press_twice_at_once();
  const auto output = run_->finish();
  EXPECT_EQ(output.code, 130) << output.err;
  EXPECT_THAT(output.err, HasSubstr(id_ + " was told to stop"));
  EXPECT_TRUE(place_.reaches(id_, "cancelled"));
  end(*node);
}

TEST_F(InterruptTest, CtrlCTwiceAtOnceCancelsWhatAnOwnNodeRan) {
  run();
  press_twice_at_once();
  const auto output = run_->finish();
  EXPECT_EQ(output.code, 130) << output.err;
  EXPECT_THAT(output.err, HasSubstr(id_ + " was told to stop"));
  auto node = place_.node();
  EXPECT_EQ(place_.state(id_), "cancelled");
  end(*node);
}

TEST_F(InterruptTest, WhatTheNodeDidNotAnswerIsNotClaimed) {
  auto node = place_.node();
  run();
  node->signal(SIGSTOP);
  run_->signal(SIGINT);
  ASSERT_TRUE(says("cancelling " + id_));
  run_->signal(SIGINT);
  const auto output = run_->finish();
  node->signal(SIGCONT);
  EXPECT_EQ(output.code, 130) << output.err;
  EXPECT_THAT(output.err, HasSubstr("perhaps not cancelled"));
  EXPECT_THAT(output.err, HasSubstr("troupe jobs cancel " + id_));
  EXPECT_THAT(output.err, Not(HasSubstr("was told to stop")));
  end(*node);
}

TEST_F(InterruptTest, ANodeThatComesBackIsStillToldToCancel) {
  auto node = place_.node();
  run();
  node->signal(SIGKILL);
  node->finish();
  run_->signal(SIGINT);
  ASSERT_TRUE(says("the node is away"));
  node = place_.node();
  const auto output = run_->finish();
  EXPECT_EQ(output.code, 130) << output.err;
  EXPECT_EQ(place_.state(id_), "cancelled");
  end(*node);
}

}  // namespace
}  // namespace troupe::test
