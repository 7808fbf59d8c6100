// A device process of its own, seen from the node's executor: real processes,
// with the family `echo` as their work.
#include "cluster/device_executor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "core/loss.hpp"
#include "platform/process.hpp"
#include "tests/connectors/guard_path.hpp"
#include "tests/platform/eventually.hpp"
#include "tests/support/stand_ins.hpp"

namespace troupe::cluster {
namespace {

using ::testing::HasSubstr;

constexpr std::chrono::seconds kPatience{30};

class DeviceExecutorTest : public ::testing::Test {
 protected:
  void TearDown() override {
    if (executor) self->send_exit(executor, caf::exit_reason::kill);
    self->send_exit(scheduler, caf::exit_reason::kill);
    self->send_exit(hub, caf::exit_reason::kill);
  }
  static std::filesystem::path program() {
    return test_programs().parent_path() / "bin" / "troupe-device";
  }
  void start(std::filesystem::path with = program(),
             std::int64_t silence_ms = 20'000) {
    DeviceExecutorOptions options;
    options.device = {.name = "cpu", .klass = "cpu", .kinds = {"echo"}};
    options.process.program = std::move(with);
    options.process.arguments = arguments;
    options.process.setup = {.protocol = protocol,
                             .models_dirs = {"/nowhere"},
                             .threads = 1,
                             .heartbeat_ms = 20};
    options.process.silence_ms = silence_ms;
    options.scheduler = scheduler;
    options.hub = hub;
    // Before the ends that the tests wait for.
    options.notice = [this](const std::string& line) {
      notices.push_back(line);
    };
    executor = spawn_device_executor(sys, options);
  }
  static Token token(std::uint64_t job) {
    return {.epoch = 1, .job = {.hi = 5, .lo = job}, .attempt = 1};
  }
  void assign(std::uint64_t job, const std::string& params) {
    Assignment one;
    one.token = token(job);
    one.spec.kind = "echo";
    one.resident = one.spec.model = "m";
    one.spec.params = params;
    one.memory_bytes = 1 << 20;
    self->send(executor, assign_atom_v, std::vector<Assignment>{one});
  }
  void stop(std::uint64_t job, StopReason reason) {
    self->send(executor, stop_atom_v,
               std::vector<StopOrder>{{token(job), reason}});
  }

  // Takes what comes until `done`; false: it did not in time.
  template <class Done>
  bool receive_until(const Done& done) {
    bool late = false;
    self->receive_while([&] { return !done() && !late; })(
        [&](ended_atom, const std::vector<AttemptEnd>& some) {
          ends.insert(ends.end(), some.begin(), some.end());
        },
        [&](heartbeat_atom, const std::vector<Token>& tokens) {
          beats.insert(beats.end(), tokens.begin(), tokens.end());
        },
        [&](drop_atom, const std::vector<ModelDrop>& drops) {
          for (const auto& drop : drops) dropped.push_back(drop.model);
        },
        [&](live_atom, const std::vector<LiveEvent>& events) {
          live += events.size();
        },
        [&](device_atom, const DeviceInfo& device, const caf::actor&) {
          announced.push_back(device.name);
        },
        caf::after(kPatience) >> [&] { late = true; });
    return !late;
  }
  bool receive_ends(std::size_t count) {
    return receive_until([&] { return ends.size() >= count; });
  }
  // The process that this one started; 0: none.
  static std::int32_t device_pid() {
    const auto all = platform::list_processes();
    for (const auto& process : platform::descendants(all, {::getpid()}))
      if (process.state != 'Z') return process.pid;
    return 0;
  }

  caf::actor_system_config config;
  caf::actor_system sys{config};
  caf::scoped_actor self{sys};
  SchedulerActor scheduler = sys.spawn(stand_in_scheduler, caf::actor{self});
  EventHubActor hub = sys.spawn(stand_in_hub, caf::actor{self});
  ExecutorActor executor;
  std::uint32_t protocol = kDeviceProtocol;
  std::vector<std::string> arguments;
  std::vector<AttemptEnd> ends;
  std::vector<std::string> notices;
  std::vector<Token> beats;
  std::vector<std::string> announced;
  std::vector<std::string> dropped;
  std::size_t live = 0;
};

constexpr auto kEndless = R"({"text":"x","steps":1000000,"step_ms":2})";

TEST_F(DeviceExecutorTest, StartsAProcessWhenThereIsWorkAndReportsItsEnd) {
  start();
  EXPECT_TRUE(receive_until([&] { return !announced.empty(); }));
  EXPECT_EQ(device_pid(), 0);
  assign(1, R"({"text":"hello","steps":3})");
  ASSERT_TRUE(receive_until([&] { return !ends.empty() && live > 0; }));
  EXPECT_EQ(ends[0].token, token(1));
  EXPECT_EQ(ends[0].end.state, JobState::succeeded);
  EXPECT_EQ(ends[0].end.result, R"({"text":"hello"})");
  EXPECT_NE(device_pid(), 0) << "it stays for the next";
}

// Its twin, which has the tests' imitation of CUDA.
TEST_F(DeviceExecutorTest, TheCudaDeviceProgramServesTheDeviceThatItIsTold) {
  const auto twin = test_programs() / "cuda_twin" / "troupe-device-cuda";
  if (!std::filesystem::exists(twin)) GTEST_SKIP() << "not in this build";
  arguments = {"serve", "0"};
  start(twin);
  assign(1, R"({"text":"hello","steps":3})");
  ASSERT_TRUE(receive_ends(1));
  EXPECT_EQ(ends[0].end.state, JobState::succeeded);
  EXPECT_EQ(ends[0].end.result, R"({"text":"hello"})");
}

TEST_F(DeviceExecutorTest, TheCudaDeviceProgramEndsWhereTheDeviceIsNot) {
  const auto twin = test_programs() / "cuda_twin" / "troupe-device-cuda";
  if (!std::filesystem::exists(twin)) GTEST_SKIP() << "not in this build";
  arguments = {"serve", "7"};
  start(twin);
  assign(1, R"({"text":"hello"})");
  ASSERT_TRUE(receive_ends(1));
  EXPECT_EQ(ends[0].end.state, JobState::failed);
  EXPECT_EQ(ends[0].end.failure->klass, FailureClass::transient);
  EXPECT_THAT(ends[0].end.failure->message, HasSubstr("exited with 1"));
}

TEST_F(DeviceExecutorTest, BeatsForWhatRunsAndStopsWhatIsOrdered) {
  start();
  assign(1, kEndless);
  assign(2, R"({"text":"b","steps":5,"step_ms":2})");
  ASSERT_TRUE(receive_until([&] {
    return std::ranges::count(beats, token(1)) >= 3 && !ends.empty();
  }));
  EXPECT_EQ(ends[0].token, token(2));
  stop(1, StopReason::cancelled);
  ASSERT_TRUE(receive_ends(2));
  EXPECT_EQ(ends[1].token, token(1));
  EXPECT_EQ(ends[1].end.state, JobState::cancelled);
}

TEST_F(DeviceExecutorTest, SaysNothingMoreOfAFencedAttempt) {
  start();
  assign(1, kEndless);
  ASSERT_TRUE(receive_until([&] { return !beats.empty(); }));
  stop(1, StopReason::fenced);
  assign(2, R"({"text":"b"})");
  ASSERT_TRUE(receive_ends(1));
  EXPECT_EQ(ends[0].token, token(2));
}

TEST_F(DeviceExecutorTest, FailsWhatRanInAKilledProcessAndStartsAnother) {
  start();
  assign(1, kEndless);
  assign(2, kEndless);
  ASSERT_TRUE(receive_until([&] { return live > 0; }));
  const auto first = device_pid();
  ASSERT_EQ(::kill(first, SIGKILL), 0);
  ASSERT_TRUE(receive_ends(2));
  for (const auto& end : ends) {
    EXPECT_EQ(end.end.state, JobState::failed);
    EXPECT_EQ(end.end.failure->klass, FailureClass::transient);
    EXPECT_EQ(end.end.failure->reason, "device_lost");
    EXPECT_THAT(end.end.failure->message, HasSubstr("SIGKILL"));
  }
  ASSERT_EQ(notices.size(), 1u) << "the node's log says it once";
  EXPECT_THAT(notices[0], HasSubstr("device cpu: the device process was ended "
                                    "by SIGKILL"));
  EXPECT_THAT(notices[0],
              HasSubstr("attempt 1 of job " + to_string(token(1).job)));
  EXPECT_THAT(notices[0],
              HasSubstr("attempt 1 of job " + to_string(token(2).job)));
  assign(3, R"({"text":"again"})");
  ASSERT_TRUE(receive_ends(3));
  EXPECT_EQ(ends[2].end.state, JobState::succeeded);
  EXPECT_NE(device_pid(), first);
}

TEST_F(DeviceExecutorTest, GivesAModelBackWhenItIsTold) {
  start();
  assign(1, R"({"text":"hello"})");
  ASSERT_TRUE(receive_ends(1));
  self->send(executor, drop_atom_v,
             std::vector<ModelDrop>{{"cpu", "echo", "m"}});
  ASSERT_TRUE(receive_until([&] { return !dropped.empty(); }));
  EXPECT_EQ(dropped[0], "m");
  self->send(executor, drop_atom_v,
             std::vector<ModelDrop>{{"cpu", "echo", "never here"}});
  ASSERT_TRUE(receive_until([&] { return dropped.size() > 1; }));
  EXPECT_EQ(dropped[1], "never here");
}

TEST_F(DeviceExecutorTest, TellsWhichModelsAreGoneWithTheirProcess) {
  start();
  assign(1, kEndless);
  ASSERT_TRUE(receive_until([&] { return live > 0; }));
  ASSERT_EQ(::kill(device_pid(), SIGKILL), 0);
  ASSERT_TRUE(receive_until([&] { return !dropped.empty(); }));
  EXPECT_EQ(ends.size(), 1u) << "what used it has ended before";
  EXPECT_EQ(dropped[0], "m");
}

TEST_F(DeviceExecutorTest, EndsAProcessThatIsSilent) {
  start(program(), 300);
  assign(1, kEndless);
  ASSERT_TRUE(receive_until([&] { return live > 0; }));
  ASSERT_EQ(::kill(device_pid(), SIGSTOP), 0);
  ASSERT_TRUE(receive_ends(1));
  EXPECT_THAT(ends[0].end.failure->message,
              HasSubstr("nothing was heard of the device process for 300 ms"));
  EXPECT_TRUE(platform::eventually([] { return device_pid() == 0; }));
}

TEST_F(DeviceExecutorTest, FailsTheAttemptWhereTheProtocolsDiffer) {
  protocol = 99;
  start();
  assign(1, R"({"text":"x"})");
  ASSERT_TRUE(receive_ends(1));
  EXPECT_EQ(ends[0].end.failure->reason, "device_lost");
}

TEST_F(DeviceExecutorTest, FailsTheAttemptWhereThereIsNoProgram) {
  start("/nowhere/troupe-device");
  assign(1, R"({"text":"x"})");
  ASSERT_TRUE(receive_ends(1));
  EXPECT_THAT(ends[0].end.failure->message, HasSubstr("did not start"));
}

TEST_F(DeviceExecutorTest, ALeavingNodeTakesItsProcessAlong) {
  start();
  assign(1, kEndless);
  ASSERT_TRUE(receive_until([&] { return live > 0; }));
  self->send_exit(executor, caf::exit_reason::user_shutdown);
  ASSERT_TRUE(receive_ends(1));
  EXPECT_EQ(ends[0].end.failure->reason, kNodeShutdown);
  EXPECT_TRUE(platform::eventually([] { return device_pid() == 0; }));
  executor = nullptr;
}

}  // namespace
}  // namespace troupe::cluster
