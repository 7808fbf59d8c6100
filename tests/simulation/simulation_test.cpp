// Many simulated lives of a whole node, each under a seed of its own.
//   TROUPE_SIM_SEEDS=50   how many seeds (default 500)
//   TROUPE_SIM_SEED=7     the one that ReplaysASeed runs
//   TROUPE_SIM_PRINT=1    it prints the log as the follower sees it
//   TROUPE_SIM_HASHES=F   log hashes of another build, made when missing
#include "tests/simulation/simulation.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <sstream>
#include <thread>
#include <vector>

#include "platform/file.hpp"
#include "platform/spawn.hpp"

namespace troupe::simulation {
namespace {

constexpr std::uint64_t kSeedsForCoverage = 300;

std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

std::string describe(const SimulationReport& report) {
  std::ostringstream out;
  for (const auto& violation : report.violations) out << violation << '\n';
  out << "after " << report.steps << " steps and " << report.log_entries
      << " log entries; replay it:\n  " << report.replay;
  return out.str();
}

// Runs the seeds [1, count] on every core.
class Seeds {
 public:
  explicit Seeds(std::uint64_t count) : count_{count} {
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < std::max(1u, std::thread::hardware_concurrency());
         ++i)
      threads.emplace_back([this] { work(); });
    for (auto& thread : threads) thread.join();
  }

  std::vector<std::string> failures;
  Coverage coverage;
  std::map<std::uint64_t, std::uint64_t> log_hashes;

 private:
  void work() {
    for (auto seed = ++last_; seed <= count_; seed = ++last_) {
      const auto report = simulate({.seed = seed});
      const std::lock_guard lock{mutex_};
      if (!report.violations.empty()) failures.push_back(describe(report));
      for (const auto& [what, times] : report.coverage) coverage[what] += times;
      log_hashes[seed] = report.log_hash;
    }
  }

  std::uint64_t count_;
  std::atomic<std::uint64_t> last_ = 0;
  std::mutex mutex_;
};

// Hashes of a few seeds by another build of the same sources.
void compare_with_other_build(
    const std::map<std::uint64_t, std::uint64_t>& mine) {
  const char* path = std::getenv("TROUPE_SIM_HASHES");
  if (path == nullptr) return;
  if (std::ifstream in{path}) {
    std::uint64_t seed = 0;
    std::uint64_t hash = 0;
    while (in >> seed >> std::hex >> hash >> std::dec) {
      if (!mine.contains(seed)) continue;
      EXPECT_EQ(mine.at(seed), hash) << "seed " << seed;
    }
    return;
  }
  std::ofstream out{path};
  for (const auto& [seed, hash] : mine)
    out << std::dec << seed << ' ' << std::hex << hash << '\n';
}

TEST(Simulation, KeepsEveryPromiseUnderEverySeed) {
  const auto count = number_from("TROUPE_SIM_SEEDS", 500);
  const Seeds seeds{count};
  for (std::size_t i = 0; i < seeds.failures.size() && i < 5; ++i)
    ADD_FAILURE() << seeds.failures[i];
  EXPECT_EQ(seeds.failures.size(), 0u) << "of " << count << " seeds";
  for (const auto& [what, times] : seeds.coverage)
    std::printf("%10llu %s\n", static_cast<unsigned long long>(times),
                what.c_str());
  // A few seeds cannot meet everything.
  if (count >= kSeedsForCoverage)
    for (const auto& what : wrong_with(seeds.coverage)) ADD_FAILURE() << what;
  compare_with_other_build(seeds.log_hashes);
}

TEST(Simulation, ReplaysASeed) {
  const auto seed = number_from("TROUPE_SIM_SEED", 1);
  const auto report = simulate(
      {.seed = seed, .print = std::getenv("TROUPE_SIM_PRINT") != nullptr});
  std::printf("seed %llu log_hash %016llx entries %llu steps %llu\n",
              static_cast<unsigned long long>(seed),
              static_cast<unsigned long long>(report.log_hash),
              static_cast<unsigned long long>(report.log_entries),
              static_cast<unsigned long long>(report.steps));
  EXPECT_TRUE(report.violations.empty()) << describe(report);
}

// What another process prints for a seed.
std::string hash_elsewhere(std::uint64_t seed) {
  const auto path = std::filesystem::path(::testing::TempDir()) /
                    ("troupe-seed-" + std::to_string(seed) + "-" +
                     std::to_string(::getpid()));
  const auto out = platform::open_write(path);
  EXPECT_TRUE(out);
  const auto child = platform::spawn(
      {.program = std::filesystem::read_symlink("/proc/self/exe"),
       .argv = {"simulation_tests", "--gtest_filter=Simulation.ReplaysASeed"},
       .env = {"TROUPE_SIM_SEED=" + std::to_string(seed)},
       .stdout_fd = out->get()});
  EXPECT_TRUE(child);
  EXPECT_TRUE(platform::wait_child(*child));
  const auto text = platform::read_file(path);
  std::filesystem::remove(path);
  const auto at = text->find("log_hash ");
  return at == std::string::npos ? *text : text->substr(at + 9, 16);
}

TEST(Simulation, WritesTheSameLogInAnotherProcess) {
  for (const std::uint64_t seed : {3u, 17u, 101u}) {
    char mine[17] = {};
    std::snprintf(
        mine, sizeof mine, "%016llx",
        static_cast<unsigned long long>(simulate({.seed = seed}).log_hash));
    EXPECT_EQ(hash_elsewhere(seed), mine) << "seed " << seed;
  }
}

}  // namespace
}  // namespace troupe::simulation
