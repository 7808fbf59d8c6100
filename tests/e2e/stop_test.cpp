// How a node ends that is told to.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include "tests/e2e/program.hpp"

namespace troupe::test {
namespace {

TEST(NodeStop, ASecondSignalEndsItAtOnceAndLosesNothing) {
  const Workplace place;
  auto node = place.node();
  const auto id =
      place.submit({"process.run", "-p", "grace_ms=3000", "--", "sh", "-c",
                    "trap '' TERM; echo up; while :; do sleep 1; done"});
  int tries = 0;
  while (place.troupe({"jobs", "logs", id}).out.find("up") == std::string::npos)
    ASSERT_LT(++tries, 600);
  // Twice in a row counts once, as timeout(1) signals a process and its group.
  for (tries = 0; node->is_running(); ++tries) {
    ASSERT_LT(tries, 600);
    node->signal(SIGTERM);
    ::usleep(50'000);
  }
  EXPECT_GT(tries, 2);
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
