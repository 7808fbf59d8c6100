#include "connectors/process/process_executor.hpp"

#include <gtest/gtest.h>
#include <unistd.h>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <nlohmann/json.hpp>

#include "tests/connectors/folder_artifacts.hpp"
#include "tests/connectors/guard_path.hpp"
#include "tests/platform/eventually.hpp"
#include "tests/platform/temp_dir.hpp"
#include "tests/support/stand_ins.hpp"

namespace troupe {
namespace {

using Json = nlohmann::ordered_json;
constexpr std::chrono::seconds kPatience{30};

// A real actor system: what the executor says comes from threads of its own.
class ProcessExecutorTest : public ::testing::Test {
 protected:
  platform::TempDir dir;
  caf::actor_system_config config;
  caf::actor_system sys{config};
  caf::scoped_actor self{sys};
  SchedulerActor scheduler = sys.spawn(stand_in_scheduler, caf::actor{self});
  EventHubActor hub = sys.spawn(stand_in_hub, caf::actor{self});
  ExecutorActor executor;
  std::vector<AttemptNote> notes;  // What came before the end.
  Token token{.epoch = 1,
              .job = {.hi = static_cast<std::uint64_t>(::getpid()), .lo = 9},
              .attempt = 1};

  void SetUp() override {
    auto spawned = spawn_process_executor(sys, options(guard_path()));
    ASSERT_TRUE(spawned) << spawned.error().message;
    executor = *spawned;
  }
  void TearDown() override {
    self->send_exit(executor, caf::exit_reason::kill);
    self->send_exit(scheduler, caf::exit_reason::kill);
    self->send_exit(hub, caf::exit_reason::kill);
  }
  ProcessExecutorOptions options(const std::filesystem::path& guard) {
    return {.device = {.name = "cpu",
                       .klass = "cpu",
                       .memory_bytes = 1,
                       .slots = 2,
                       .kinds = {"process.run"}},
            .attempts = {.folder = dir / "process",
                         .guard = guard,
                         .artifacts =
                             std::make_shared<FolderArtifacts>(dir / "store"),
                         .environment = {{"PATH", "/usr/bin:/bin"}}},
            .scheduler = scheduler,
            .hub = hub,
            .heartbeat_ms = 20};
  }
  void assign(const std::string& script, int quiet_ms = 30'000) {
    Assignment one;
    one.token = token;
    one.spec.params =
        Json{{"argv", {"sh", "-c", script}}, {"quiet_ms", quiet_ms}}.dump();
    self->send(executor, assign_atom_v, std::vector<Assignment>{one});
  }

  // Each takes the next message of its kind; nothing: none came in time.
  std::optional<DeviceInfo> next_announcement() {
    std::optional<DeviceInfo> got;
    self->receive([&](device_atom, const DeviceInfo& device,
                      const caf::actor&) { got = device; },
                  caf::after(kPatience) >> [] {});
    return got;
  }
  std::optional<AttemptEnd> next_end() {
    std::optional<AttemptEnd> got;
    bool late = false;
    self->receive_while([&] { return !got && !late; })(
        [&](ended_atom, const std::vector<AttemptEnd>& ends) {
          got = ends.front();
        },
        [](heartbeat_atom, const std::vector<Token>&) {},
        [](device_atom, const DeviceInfo&, const caf::actor&) {},
        [&](note_atom, const std::vector<AttemptNote>& some) {
          notes.insert(notes.end(), some.begin(), some.end());
        },
        caf::after(kPatience) >> [&] { late = true; });
    return got;
  }
  std::vector<Token> next_heartbeat() {
    std::vector<Token> got;
    self->receive(
        [&](heartbeat_atom, const std::vector<Token>& tokens) { got = tokens; },
        caf::after(kPatience) >> [] {});
    return got;
  }
};

TEST_F(ProcessExecutorTest, AnnouncesItsDeviceAndReportsEnds) {
  auto device = next_announcement();
  ASSERT_TRUE(device);
  EXPECT_EQ(device->name, "cpu");
  assign("exit 0");
  auto end = next_end();
  ASSERT_TRUE(end);
  EXPECT_EQ(end->token, token);
  EXPECT_EQ(end->end.state, JobState::succeeded);
}

TEST_F(ProcessExecutorTest, TellsTheSchedulerOfASilence) {
  assign("sleep 0.4", 100);
  ASSERT_TRUE(next_end());
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_EQ(notes[0].token, token);
  EXPECT_EQ(notes[0].note.name, "quiet");
}

TEST_F(ProcessExecutorTest, HeartbeatsNameWhatRunsAndAStopEndsIt) {
  ASSERT_TRUE(next_announcement());
  assign("exec sleep 600");
  EXPECT_EQ(next_heartbeat(), std::vector<Token>{token});
  self->send(executor, stop_atom_v,
             std::vector<StopOrder>{{token, StopReason::cancelled}});
  auto end = next_end();
  ASSERT_TRUE(end);
  EXPECT_EQ(end->end.state, JobState::cancelled);
}

TEST_F(ProcessExecutorTest, AnnouncesItselfToANewScheduler) {
  ASSERT_TRUE(next_announcement());
  auto bindable = caf::actor_cast<caf::actor>(executor);
  self->send(bindable, bind_atom_v, std::string{"scheduler"},
             caf::actor_cast<caf::actor>(scheduler));
  EXPECT_TRUE(next_announcement());
}

TEST_F(ProcessExecutorTest, ToldToExitItEndsItsCommandsAndSaysSo) {
  ASSERT_TRUE(next_announcement());
  assign("exec sleep 600");
  ASSERT_EQ(next_heartbeat(), std::vector<Token>{token});
  self->monitor(executor);
  self->send_exit(executor, caf::exit_reason::user_shutdown);
  auto end = next_end();
  ASSERT_TRUE(end);
  EXPECT_EQ(end->end.failure->klass, FailureClass::transient);
  EXPECT_EQ(end->end.failure->reason, "node_shutdown");
  bool down = false;
  self->receive([&](const caf::down_msg&) { down = true; },
                caf::after(kPatience) >> [] {});
  EXPECT_TRUE(down);
}

TEST_F(ProcessExecutorTest, KilledItLeavesNoProcess) {
  ASSERT_TRUE(next_announcement());
  assign("exec sleep 600");
  ASSERT_EQ(next_heartbeat(), std::vector<Token>{token});
  const auto mark =
      std::string{kAttemptVariable} + "=" + to_string(token.job) + "-1-1";
  ASSERT_TRUE(platform::eventually(
      [&] { return !platform::processes_with_environment(mark).empty(); }));
  self->send_exit(executor, caf::exit_reason::kill);
  EXPECT_TRUE(platform::eventually(
      [&] { return platform::processes_with_environment(mark).empty(); }));
}

TEST_F(ProcessExecutorTest, WithoutTheGuardProgramItIsAClearError) {
  auto missing = options("/no/such/guard");
  missing.attempts.folder = dir / "other";
  auto spawned = spawn_process_executor(sys, std::move(missing));
  ASSERT_FALSE(spawned);
  EXPECT_EQ(spawned.error().code, Errc::not_found);
}

}  // namespace
}  // namespace troupe
