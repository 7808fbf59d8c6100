// `run` where no node runs: it brings one for the time it needs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <vector>

#include "tests/e2e/program.hpp"
#include "tests/models/text_model.hpp"
#include "tests/platform/eventually.hpp"

namespace troupe::test {
namespace {

class OwnNodeTest : public testing::Test {
 protected:
  /// Waits until so many jobs run.
  bool runs(std::size_t jobs) {
    for (int tries = 0; tries < 600; ++tries) {
      const auto seen =
          place_.troupe({"jobs", "list", "--json", "--state", "running"});
      if (seen.code == 0 && seen.lines().size() == jobs) return true;
    }
    return false;
  }
  /// Waits until no node answers.
  bool leaves() {
    for (int tries = 0; tries < 600; ++tries)
      if (place_.troupe({"jobs", "list"}).code == 3) return true;
    return false;
  }

  /// The ids of the processes that this one started.
  static std::string node_of(const Process& run) {
    const auto pid = std::to_string(run.pid());
    std::ifstream file{"/proc/" + pid + "/task/" + pid + "/children"};
    return {std::istreambuf_iterator<char>{file}, {}};
  }

  Workplace place_;
};

TEST_F(OwnNodeTest, RunBringsANodeForTheTimeItNeeds) {
  const auto output =
      place_.troupe({"run", "process.run", "--output", "o", "--save",
                     place_.path("saved"), "--", "sh", "-c", "echo alone > o"});
  EXPECT_EQ(output.code, 0) << output.err;
  EXPECT_EQ(place_.read("saved/o"), "alone\n");
  EXPECT_EQ(place_.troupe({"jobs", "list"}).code, 3) << "the node stayed";
}

TEST_F(OwnNodeTest, NoneIsStartedForAModelThatCannotBeUsed) {
  const TextModelFolder model{place_.path("cut")};
  std::filesystem::resize_file(model.path() / "model.safetensors", 1'000);
  for (const auto* command : {"run", "chat"}) {
    test::Words words{command, "--model", model.path()};
    if (words[0] == "run")
      words.insert(words.end(), {"text.generate", "-p", "prompt=hi"});
    const auto output = place_.troupe(words);
    EXPECT_EQ(output.code, 5) << output.err;
    EXPECT_THAT(output.err, testing::HasSubstr("seems cut off"));
    EXPECT_THAT(output.err, testing::HasSubstr("troupe models check"));
    EXPECT_THAT(output.err, testing::Not(testing::HasSubstr("starting one")));
  }
}

TEST_F(OwnNodeTest, TheJobsOfSuchANodeAreThereLater) {
  ASSERT_EQ(place_.troupe({"run", "echo", "-p", "text=a"}).code, 0);
  auto node = place_.node();
  const auto jobs = place_.troupe({"jobs", "list", "--json"}).lines();
  ASSERT_EQ(jobs.size(), 1u);
  EXPECT_EQ(jobs[0]["state"], "succeeded");
}

TEST_F(OwnNodeTest, SeveralRunsShareSuchANode) {
  std::vector<std::unique_ptr<Process>> runs;
  for (int i = 0; i < 3; ++i)
    runs.push_back(place_.start({"run", "echo", "-p", "text=a", "-p", "steps=5",
                                 "-p", "step_ms=" + std::to_string(i * 100)}));
  for (auto& run : runs) {
    const auto output = run->finish(120'000);
    EXPECT_EQ(output.code, 0) << output.err;
  }
}

TEST_F(OwnNodeTest, ANodeThatFindsTheFolderTakenLeavesTheLogAlone) {
  auto first = place_.start({"run", "process.run", "--", "sleep", "60"});
  ASSERT_TRUE(runs(1));
  const auto log = place_.read("data/own-node.log");
  ASSERT_THAT(log, testing::HasSubstr("\"ready\":true"));
  // As if the first node were not to be reached yet.
  const auto address = place_.data() / "node.json";
  std::filesystem::rename(address, place_.path("away"));
  auto second = place_.start({"run", "echo", "-p", "text=a"});
  ASSERT_TRUE(platform::eventually([&] { return !node_of(*second).empty(); }));
  ASSERT_TRUE(platform::eventually([&] { return node_of(*second).empty(); }));
  EXPECT_EQ(place_.read("data/own-node.log"), log);
  std::filesystem::rename(place_.path("away"), address);
  const auto output = second->finish();
  EXPECT_EQ(output.code, 0) << output.err;
  EXPECT_THAT(output.err, testing::Not(testing::HasSubstr("is in use")));
}

TEST_F(OwnNodeTest, SuchANodeStaysForTheOthersWhenItsStarterIsDone) {
  auto first = place_.start({"run", "process.run", "--", "sh", "-c",
                             "until [ -e '" + place_.path("go").string() +
                                 "' ]; do sleep 0.02; done"});
  ASSERT_TRUE(runs(1));
  auto second = place_.start({"run", "process.run", "--json", "--", "sh", "-c",
                              "until [ -e '" + place_.path("end").string() +
                                  "' ]; do sleep 0.02; done"});
  ASSERT_TRUE(runs(2));
  place_.write("go", "");
  EXPECT_EQ(first->finish(120'000).code, 0);
  place_.write("end", "");
  const auto output = second->finish(120'000);
  EXPECT_EQ(output.code, 0) << output.err;
  EXPECT_EQ((*parse_json(output.out))["attempt"], 1) << "it was begun anew";
  EXPECT_EQ(place_.troupe({"jobs", "list"}).code, 3) << "the node stayed";
}

TEST_F(OwnNodeTest, SuchANodeEndsWithTheCommandHoweverThatEnds) {
  auto run = place_.start({"run", "process.run", "--", "sleep", "60"});
  ASSERT_TRUE(runs(1));
  run->signal(SIGKILL);
  run->finish();
  EXPECT_TRUE(leaves());
}

TEST_F(OwnNodeTest, CtrlCWhileSuchANodeStartsIsAnInterrupt) {
  auto run = place_.start({"run", "process.run", "--", "sleep", "60"});
  const auto log = place_.data() / "own-node.log";
  ASSERT_TRUE(
      platform::eventually([&] { return std::filesystem::exists(log); }));
  run->signal(SIGINT);
  const auto output = run->finish();
  EXPECT_EQ(output.code, 130) << output.err;
  EXPECT_EQ(output.err.find("start one with"), std::string::npos);
}

TEST_F(OwnNodeTest, ARealNodeTakesAwayTheMarkOfSuchANode) {
  const auto mark = place_.data() / "own-node";
  auto run = place_.start({"run", "process.run", "--", "sleep", "60"});
  ASSERT_TRUE(runs(1));
  EXPECT_EQ(
      place_.read("data/own-node"),
      std::to_string(
          (*parse_json(place_.read("data/node.json")))["pid"].get<int>()) +
          "\n");
  run->signal(SIGKILL);
  run->finish();
  EXPECT_TRUE(leaves());
  auto node = place_.node();
  EXPECT_FALSE(std::filesystem::exists(mark))
      << "a run would start a node in the place of this one";
}

TEST_F(OwnNodeTest, RunBringsNoNodeToTheFolderOfAClientElsewhere) {
  const auto folder = place_.path("ann").string();
  auto node = place_.node();
  ASSERT_EQ(place_
                .troupe({"clients", "add", "ann", "--to", folder, "--host",
                         "127.0.0.1"})
                .code,
            0);
  node->signal(SIGTERM);
  ASSERT_EQ(node->finish().code, 0);
  const auto run =
      place_.troupe({"run", "echo", "-p", "text=hi", "--data", folder});
  EXPECT_EQ(run.code, 3) << run.err;
  EXPECT_FALSE(std::filesystem::exists(place_.path("ann") / "store"));
}

}  // namespace
}  // namespace troupe::test
