#include "kernels/thread_team.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace troupe {
namespace {

TEST(ThreadTeam, DoesEachPartOnce) {
  for (const int threads : {1, 2, 3, 8}) {
    ThreadTeam team{threads};
    EXPECT_EQ(team.threads(), threads);
    for (const std::int64_t parts : {0, 1, 2, 3, 1000}) {
      std::vector<std::atomic<int>> done(static_cast<std::size_t>(parts));
      team.run(parts, [&](std::int64_t part) {
        done[static_cast<std::size_t>(part)].fetch_add(1);
      });
      for (const auto& count : done) EXPECT_EQ(count.load(), 1);
    }
  }
}

TEST(ThreadTeam, FinishesAJobBeforeTheNextBegins) {
  ThreadTeam team{4};
  // Plain memory: the sanitizers see a job that reaches into the next.
  std::vector<std::int64_t> values(64, 0);
  for (int job = 0; job < 20'000; ++job)
    team.run(64, [&](std::int64_t part) {
      values[static_cast<std::size_t>((part + job) % 64)] += part;
    });
  std::int64_t sum = 0;
  for (const auto value : values) sum += value;
  EXPECT_EQ(sum, 20'000 * 63 * 64 / 2);
}

TEST(ThreadTeam, WorksOnMoreThanOneThread) {
  ThreadTeam team{2};
  std::atomic<int> inside{0};
  std::atomic<bool> met{false};
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::seconds(30);
  team.run(2, [&](std::int64_t) {
    ++inside;
    while (inside < 2 && std::chrono::steady_clock::now() < deadline)
      std::this_thread::yield();
    if (inside == 2) met = true;
  });
  EXPECT_TRUE(met);
}

// Threads of this process that are not asleep, but the one that asks.
int awake() {
  int count = 0;
  for (const auto& task :
       std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream file{task.path() / "stat"};
    std::string stat;
    std::getline(file, stat);
    const auto state = stat.rfind(") ");
    if (state != stat.npos && stat[state + 2] == 'R') ++count;
  }
  return count - 1;
}

TEST(ThreadTeam, ParksWhenIdle) {
  ThreadTeam team{3};
  team.run(3, [](std::int64_t) {});
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (awake() > 0 && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  EXPECT_EQ(awake(), 0);
  std::atomic<int> done{0};
  team.run(100, [&](std::int64_t) { ++done; });
  EXPECT_EQ(done, 100);
}

TEST(ThreadTeam, EndsWhetherItWorkedOrNot) {
  for (int i = 0; i < 200; ++i) {
    ThreadTeam idle{3};
    ThreadTeam used{3};
    used.run(3, [](std::int64_t) {});
  }
}

}  // namespace
}  // namespace troupe
