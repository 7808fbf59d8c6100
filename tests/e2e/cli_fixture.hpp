// A node of its own for the tests of a file, and the command line against it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/e2e/program.hpp"

namespace troupe::test {

class CliTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    place_ = new Workplace;
    node_ = place_->node().release();
  }
  static void TearDownTestSuite() {
    node_->signal(SIGTERM);
    EXPECT_EQ(node_->finish().code, 0);
    delete node_;
    delete place_;
  }

  static Output troupe(const Words& args, const std::string& input = "") {
    return place_->troupe(args, input);
  }
  static Json show(const std::string& id) {
    return troupe({"jobs", "show", id, "--json"}).json();
  }

  static inline Workplace* place_ = nullptr;
  static inline Process* node_ = nullptr;
};

}  // namespace troupe::test
