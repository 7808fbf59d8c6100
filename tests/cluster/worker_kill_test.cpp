// A worker process that is killed with its attempts under way: real processes,
// real sockets, the real queue. Nothing is lost, nothing is visible twice.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <set>
#include <sstream>

#include "platform/file.hpp"
#include "platform/spawn.hpp"
#include "tests/cluster/head_fixture.hpp"
#include "tests/platform/eventually.hpp"

namespace troupe::cluster {
namespace {

using platform::eventually;

/// tests/cluster/programs/slow_worker.cpp as a process.
class SlowWorker {
 public:
  SlowWorker(const TlsFiles& files, std::uint16_t port, int slots, int hold_ms,
             std::filesystem::path said)
      : said_{std::move(said)} {
    const platform::Fd out{
        ::open(said_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
    platform::SpawnSpec spec;
    spec.program =
        std::filesystem::read_symlink("/proc/self/exe").parent_path() /
        "slow_worker";
    spec.argv = {"slow_worker",
                 files.authority.string(),
                 files.certificate.string(),
                 files.key.string(),
                 std::to_string(port),
                 std::to_string(slots),
                 std::to_string(hold_ms)};
    spec.stdout_fd = out.get();
    spec.stderr_fd = STDERR_FILENO;
    auto child = platform::spawn(spec);
    EXPECT_TRUE(child) << child.error().message;
    if (child) child_ = *std::move(child);
  }
  ~SlowWorker() { kill(); }

  void kill() {
    if (!child_) return;
    ::kill(child_->identity.pid, SIGKILL);
    const auto status = platform::wait_child(*child_);
    EXPECT_TRUE(status && status->signal == SIGKILL) << "it ended by itself";
    child_.reset();
  }
  /// "JOB ATTEMPT" of what it took, or ended.
  std::vector<std::string> all(const std::string& verb) const {
    std::vector<std::string> found;
    const auto text = platform::read_file(said_);
    std::istringstream lines{text ? *text : std::string{}};
    for (std::string what, job, attempt; lines >> what >> job >> attempt;)
      if (what == verb) found.push_back(job + " " + attempt);
    return found;
  }
  bool in_the_middle(std::size_t ends) const {
    return eventually([&] {
      const auto ended = all("ended").size();
      return ended >= ends && all("took").size() > ended;
    });
  }

 private:
  std::filesystem::path said_;
  std::optional<platform::Child> child_;
};

class WorkerKillTest : public HeadTest {
 protected:
  std::unique_ptr<SlowWorker> start(const TlsFiles& files, int hold_ms) {
    return std::make_unique<SlowWorker>(
        files, address().port, 4, hold_ms,
        data() / ("worker-" + std::to_string(started_++) + ".log"));
  }
  std::vector<JobId> submit_many(int count) {
    std::vector<JobId> jobs;
    for (int i = 0; i < count; ++i) jobs.push_back(submit());
    return jobs;
  }

 private:
  int started_ = 0;
};

TEST_F(WorkerKillTest, EveryJobEndsOnceThoughItsWorkerIsKilledTwice) {
  const auto files = certificate_of("far", "default", Role::node);
  auto far = start(files, 20);
  const auto jobs = submit_many(40);
  std::multiset<std::string> taken;
  for (int kill = 0; kill < 2; ++kill) {
    ASSERT_TRUE(far->in_the_middle(5));
    far->kill();
    for (const auto& attempt : far->all("took")) taken.insert(attempt);
    far = start(files, 20);  // It comes back with the same certificate.
  }
  std::uint32_t attempts = 0;
  for (const auto job : jobs) {
    ASSERT_TRUE(eventually_is(job, JobState::succeeded));
    EXPECT_EQ(ends_of(job), 1);
    attempts += view(job).attempt;
  }
  for (const auto& attempt : far->all("took")) taken.insert(attempt);
  EXPECT_GT(attempts, jobs.size()) << "no attempt was lost";
  EXPECT_EQ(taken.size(),
            std::set<std::string>(taken.begin(), taken.end()).size())
      << "an attempt was handed out twice";
  EXPECT_TRUE(
      eventually([&] { return ledger_of("far/cpu").reserved_bytes == 0; }));
}

TEST_F(WorkerKillTest, WhatAKilledWorkerHeldIsRunByAnother) {
  auto far = start(certificate_of("far", "default", Role::node), 600'000);
  const auto jobs = submit_many(4);
  ASSERT_TRUE(eventually([&] { return far->all("took").size() == 4; }));
  TestWorker other{certificate_of("other", "default", Role::node), address(),
                   4};
  ASSERT_TRUE(eventually([&] { return other.connected(); }));
  EXPECT_TRUE(other.taken().empty());
  far->kill();
  ASSERT_TRUE(eventually([&] { return other.taken().size() == 4; }));
  for (const auto& assignment : other.taken()) {
    EXPECT_EQ(assignment.token.attempt, 2u);
    other.end(assignment.token);
  }
  for (const auto job : jobs) {
    EXPECT_TRUE(eventually_is(job, JobState::succeeded));
    EXPECT_EQ(ends_of(job), 1);
    EXPECT_EQ(view(job).device, "other/cpu");
  }
}

}  // namespace
}  // namespace troupe::cluster
