// A follower that stops reading costs the node nothing.
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "codec/json.hpp"
#include "core/clock.hpp"
#include "platform/process.hpp"
#include "platform/spawn.hpp"
#include "tests/crash/node_process.hpp"

namespace troupe::test {
namespace {

constexpr std::uint64_t kEvents = 1'000'000;
constexpr std::uint64_t kWarmUpEvents = 200'000;
constexpr std::uint64_t kJobsAtOnce = 1'000;
constexpr std::uint64_t kAllowedGrowthBytes = 32u << 20;

class FollowerTest : public ::testing::Test {
 protected:
  FollowerTest()
      : folder_{std::filesystem::path(::testing::TempDir()) /
                ("troupe-follower-" + std::to_string(::getpid()))},
        node_{folder_ / "data"} {
    std::filesystem::create_directories(folder_);
  }
  ~FollowerTest() override {
    if (follower_) {
      platform::send_signal(follower_->identity, SIGKILL);
      static_cast<void>(platform::wait_child(*follower_));
    }
    client_.reset();
    node_.kill();
    std::error_code ignored;
    if (!HasFailure()) std::filesystem::remove_all(folder_, ignored);
  }

  void start_node() {
    const auto started = node_.start();
    ASSERT_TRUE(started) << started.error().message;
    auto client = node_.connect(20'000);
    ASSERT_TRUE(client) << client.error().message;
    client_ = std::move(*client);
  }

  // Follows everything, live events too, and says so in a file.
  void start_follower() {
    const auto ready = folder_ / "follows";
    auto child = platform::spawn(
        {.program = test_program("follow_all"),
         .argv = {"follow_all", node_.data().string(), ready.string()}});
    ASSERT_TRUE(child) << child.error().message;
    follower_ = std::move(*child);
    ASSERT_TRUE(within(20'000, [&] { return exists(ready); }));
  }

  JobSpec job_for_later() {
    Json params;
    params["argv"] = {"/bin/true"};
    JobSpec spec;
    spec.id = client_->new_id();
    spec.kind = "process.run";
    spec.params = params.dump();
    spec.not_before_ms = system_wall_clock().now() + 86'400'000;
    return spec;
  }

  // Each job is two durable events: submitted and, cancelled, ended.
  void make_events(std::uint64_t count) {
    for (std::uint64_t done = 0; done < count; done += 2 * kJobsAtOnce) {
      std::vector<JobSpec> specs;
      std::vector<JobId> ids;
      for (std::uint64_t i = 0; i < kJobsAtOnce; ++i) {
        specs.push_back(job_for_later());
        ids.push_back(specs.back().id);
      }
      const auto submitted = client_->submit_many(std::move(specs), 60'000);
      ASSERT_TRUE(submitted) << submitted.error().message;
      const auto cancelled = client_->cancel_many(std::move(ids), 60'000);
      ASSERT_TRUE(cancelled) << cancelled.error().message;
    }
  }

  std::uint64_t last_index() {
    const auto status = client_->status();
    return status ? status->last_index : 0;
  }

  std::filesystem::path folder_;
  NodeProcess node_;
  std::unique_ptr<client::Client> client_;
  std::optional<platform::Child> follower_;
};

TEST_F(FollowerTest, AStoppedFollowerCostsTheNodeNoMemory) {
  start_node();
  ASSERT_FALSE(HasFatalFailure());
  start_follower();
  make_events(kWarmUpEvents);  // Caches and rings have their size.
  ASSERT_FALSE(HasFatalFailure());
  platform::send_signal(follower_->identity, SIGSTOP);
  const auto before = node_.pss_bytes();

  const auto index_before = last_index();
  make_events(kEvents);
  ASSERT_FALSE(HasFatalFailure());

  const auto after = node_.pss_bytes();
  std::printf("node: %llu KiB before, %llu KiB after %llu events\n",
              static_cast<unsigned long long>(before / 1024),
              static_cast<unsigned long long>(after / 1024),
              static_cast<unsigned long long>(kEvents));
  EXPECT_GE(last_index() - index_before, kEvents);
  EXPECT_GT(before, 0u);
  EXPECT_LT(after, before + kAllowedGrowthBytes);
}

}  // namespace
}  // namespace troupe::test
