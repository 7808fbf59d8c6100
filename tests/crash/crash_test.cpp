// SIGKILL at random times, against the real program. Each counted round kills
// the node while a submit is unanswered and an attempt runs.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "core/clock.hpp"
#include "platform/process.hpp"
#include "tests/crash/journal.hpp"
#include "tests/crash/node_process.hpp"

namespace troupe::test {
namespace {

constexpr int kRounds = 100;
constexpr std::size_t kJobsPerRound = 16;
// A slow disk ends some ten jobs a second: what is left after the last round
// must be done within kEndWithinMs there too.
constexpr std::uint64_t kMostUnfinished = 100;
constexpr std::size_t kSleepersPerRound = 4;
constexpr std::int64_t kEndWithinMs = 60'000;

int rounds_wanted() {
  const char* text = std::getenv("TROUPE_CRASH_ROUNDS");
  return text != nullptr ? std::atoi(text) : kRounds;
}

std::uint64_t seed_wanted() {
  const char* text = std::getenv("TROUPE_CRASH_SEED");
  return text != nullptr ? std::strtoull(text, nullptr, 10)
                         : system_random()->next();
}

class CrashTest : public ::testing::Test {
 protected:
  CrashTest()
      : folder_{std::filesystem::path(::testing::TempDir()) /
                ("troupe-crash-" + std::to_string(::getpid()))},
        seed_{seed_wanted()},
        random_{seeded_random(seed_)},
        marker_{"TROUPE_CRASH_MARK=" + std::to_string(::getpid()) + "-" +
                std::to_string(seed_)},
        journal_{folder_ / "witnesses", marker_},
        node_{folder_ / "data"} {
    std::filesystem::create_directories(folder_ / "witnesses");
    std::printf("replay the choices: TROUPE_CRASH_SEED=%llu\n",
                static_cast<unsigned long long>(seed_));
  }

  ~CrashTest() override {
    client_.reset();
    node_.kill();
    if (HasFailure()) {
      std::printf("left for you: %s\n", folder_.c_str());
      return;
    }
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  std::int64_t random_ms(std::int64_t below) {
    return static_cast<std::int64_t>(random_->next() %
                                     static_cast<std::uint64_t>(below));
  }

  void start() {
    const auto started = node_.start();
    ASSERT_TRUE(started) << started.error().message;
    if (client_) return;  // It comes back by itself.
    auto client = node_.connect(20'000);
    ASSERT_TRUE(client) << client.error().message;
    client_ = std::move(*client);
  }

  void submit(std::int64_t sleep_ms, bool once) {
    const auto spec = journal_.job(client_->new_id(), sleep_ms, once);
    const JobId id = spec.id;
    journal_.asked(spec);
    const auto sent =
        client_->submit_async(spec, [this, id](Result<SubmitAnswer> answer) {
          if (!answer)
            journal_.refused(id, answer.error());
          else if (answer->error)
            journal_.refused(id, *answer->error);
          else
            journal_.acknowledged(id);
        });
    if (!sent) journal_.refused(id, sent.error());
  }

  bool an_attempt_runs() const {
    return !platform::processes_with_environment(marker_).empty();
  }

  std::uint64_t backlog() {
    const auto status = client_->status();
    if (!status) return UINT64_MAX;
    const auto& queue = status->queue;
    return queue.queued + queue.blocked + queue.running;
  }

  // True when the kill hit both an open submit and a running attempt.
  bool round() {
    start();
    if (HasFatalFailure()) return false;
    if (!within(60'000, [this] { return backlog() <= kMostUnfinished; })) {
      ADD_FAILURE() << "jobs pile up: " << node_.last_output();
      return false;
    }
    for (std::size_t i = 0; i < kSleepersPerRound; ++i)
      submit(100 + random_ms(400), i == 0);
    if (!within(20'000, [this] { return an_attempt_runs(); })) {
      ADD_FAILURE() << "no attempt runs: " << node_.last_output();
      return false;
    }
    pause_ms(random_ms(150));
    for (std::size_t i = kSleepersPerRound; i < kJobsPerRound; ++i)
      submit(0, false);
    pause_ms(random_ms(3));
    const bool ran = an_attempt_runs();
    node_.kill();
    // What was answered before the kill may still lie in our socket.
    pause_ms(5);
    return ran && journal_.unanswered() > 0;
  }

  std::vector<LogEntry> events_of(JobId id) {
    std::vector<LogEntry> events;
    auto follower = client_->follow({.job = id});
    if (!follower) return events;
    while (!(*follower)->finished()) {
      auto batch = (*follower)->next(5'000);
      if (!batch || batch->entries.empty()) break;
      for (auto& entry : batch->entries) events.push_back(std::move(entry));
    }
    return events;
  }

  std::filesystem::path folder_;
  std::uint64_t seed_;
  std::unique_ptr<Random> random_;
  std::string marker_;
  Journal journal_;
  NodeProcess node_;
  std::unique_ptr<client::Client> client_;
};

TEST_F(CrashTest, EveryAcknowledgedJobSurvivesKillsAtRandomTimes) {
  const int wanted = rounds_wanted();
  int counted = 0;
  int tried = 0;
  while (counted < wanted && tried < 3 * wanted && !HasFailure()) {
    ++tried;
    counted += round() ? 1 : 0;
  }
  std::printf(
      "rounds: %d killed with a submit unanswered and an attempt "
      "running, %d tried\n",
      counted, tried);
  ASSERT_EQ(counted, wanted);

  start();
  ASSERT_TRUE(within(20'000, [this] { return journal_.unanswered() == 0; }));
  EXPECT_EQ(journal_.refusals(), std::vector<std::string>{});
  const auto ids = journal_.acknowledged_ids();
  const auto answers = client_->wait_many(ids, kEndWithinMs);
  ASSERT_TRUE(answers) << answers.error().message;
  std::size_t succeeded = 0;
  for (const ShowAnswer& answer : *answers) {
    ASSERT_TRUE(answer.job) << to_string(answer.id) << " is lost";
    for (const auto& fault : journal_.faults_of(*answer.job))
      ADD_FAILURE() << fault;
    for (const auto& fault :
         journal_.faults_of(answer.id, events_of(answer.id)))
      ADD_FAILURE() << fault;
    succeeded += answer.job->state == JobState::succeeded ? 1 : 0;
  }
  std::printf("jobs: %zu acknowledged, %zu succeeded\n", ids.size(), succeeded);
  EXPECT_GT(succeeded, ids.size() / 2);
  EXPECT_TRUE(within(10'000, [this] { return !an_attempt_runs(); }))
      << "a process of a job is left over";
  const auto stopped = node_.stop(20'000);
  EXPECT_TRUE(stopped) << stopped.error().message;
}

}  // namespace
}  // namespace troupe::test
