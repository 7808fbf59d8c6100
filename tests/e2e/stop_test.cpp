// How a node ends that is told to.
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/e2e/program.hpp"
#include "tests/platform/eventually.hpp"

namespace troupe::test {
namespace {

using platform::eventually;

TEST(NodeStop, ASecondSignalEndsItAtOnceAndLosesNothing) {
  const Workplace place;
  auto node = place.node();
  const auto id =
      place.submit({"process.run", "-p", "grace_ms=3000", "--", "sh", "-c",
                    "trap '' TERM; echo up; while :; do sleep 1; done"});
  ASSERT_TRUE(eventually([&] {
    return place.troupe({"jobs", "logs", id}).out.find("up") !=
           std::string::npos;
  }));
  // Twice in a row counts once, as timeout(1) signals a process and its group.
  int signals = 0;
  ASSERT_TRUE(eventually([&] {
    node->signal(SIGTERM);
    ++signals;
    return !node->is_running();
  }));
  EXPECT_GT(signals, 2);
  const auto end = node->finish();
  EXPECT_EQ(end.code, 130);
  EXPECT_NE(end.err.find("told twice"), std::string::npos) << end.err;

  node = place.node();
  EXPECT_TRUE(place.reaches(id, "running"));
  EXPECT_EQ(place.troupe({"jobs", "cancel", id}).code, 0);
  EXPECT_TRUE(place.reaches(id, "cancelled"));
  node->signal(SIGTERM);
  EXPECT_EQ(node->finish().code, 0);
}

}  // namespace
}  // namespace troupe::test
