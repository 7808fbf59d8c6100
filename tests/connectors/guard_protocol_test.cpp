#include "connectors/process/guard_protocol.hpp"

#include <gtest/gtest.h>

namespace troupe::guard {
namespace {

TEST(GuardProtocol, AReportSurvivesItsLine) {
  const Report report{ReportType::done, 1, -2, 3};
  auto line = to_line(report);
  EXPECT_EQ(line, "done 1 -2 3\n");
  line.pop_back();
  EXPECT_EQ(parse_report(line), report);
}

TEST(GuardProtocol, WhatIsNoReportIsRefused) {
  for (const auto* line : {"", "done", "done 1 2", "done 1 2 3 4", "done 1 2 x",
                           "gone 1 2 3", "done 1 2 3 "})
    EXPECT_FALSE(parse_report(line)) << line;
}

}  // namespace
}  // namespace troupe::guard
