#include "connectors/process/leftovers.hpp"

#include <gtest/gtest.h>

#include <csignal>

#include "connectors/process/bounded_log.hpp"
#include "connectors/process/runner.hpp"
#include "platform/file.hpp"
#include "platform/spawn.hpp"
#include "tests/connectors/guard_path.hpp"
#include "tests/platform/eventually.hpp"
#include "tests/platform/temp_dir.hpp"

namespace troupe {
namespace {

using platform::eventually;

// Five processes: the shell and its sleep, a shell with a sleep in a session of
// their own, and a sleep in another one whose parent is gone.
constexpr std::size_t kTreeProcesses = 5;
constexpr std::size_t kOutsiders = 3;  // Those in sessions of their own.
constexpr char kTree[] =
    "trap '' TERM; setsid sh -c 'trap \"\" TERM; sleep 600 & wait' & "
    "(setsid sleep 600 &) ; echo up; while :; do sleep 1; done";

// A process that plays the node, so that the test can kill it.
class LeftoversTest : public ::testing::Test {
 protected:
  platform::TempDir dir;
  std::optional<platform::Child> node;

  void SetUp() override { ASSERT_TRUE(platform::make_dirs(dir / "records")); }
  void TearDown() override {
    if (node) kill_node();
    end_attempt_processes(key());
  }
  std::string key() const {
    return std::to_string(::getpid()) + "-" +
           ::testing::UnitTest::GetInstance()->current_test_info()->name();
  }
  std::filesystem::path record() const { return dir / "records" / key(); }

  void start_node(std::int64_t grace_ms) {
    auto out = platform::make_pipe();
    ASSERT_TRUE(out);
    auto child = platform::spawn(
        {.program = test_programs() / "process_host",
         .argv = {"process_host", guard_path(), dir.path(), key(),
                  std::to_string(grace_ms), "sh", "-c", kTree},
         .env = {},
         .cwd = {},
         .stdout_fd = out->write_end.get(),
         .more_fds = {}});
    ASSERT_TRUE(child) << child.error().message;
    node = *std::move(child);
    out->write_end.reset();
    char byte = 0;
    ASSERT_EQ(::read(out->read_end.get(), &byte, 1), 1);  // "up"
    // What the shell put into the background may not have forked yet.
    ASSERT_TRUE(eventually([&] { return alive() >= kTreeProcesses; }));
  }
  void kill_node() {
    platform::send_signal(node->identity, SIGKILL);
    ASSERT_TRUE(platform::wait_child(*node));
    node.reset();
  }
  std::size_t alive() const {
    return platform::processes_with_environment(std::string{kAttemptVariable} +
                                                "=" + key())
        .size();
  }
};

TEST_F(LeftoversTest, TheGuardEndsTheTreeWhenTheNodeIsKilled) {
  start_node(/*grace_ms=*/50);
  EXPECT_GE(alive(), 4u);
  kill_node();
  EXPECT_TRUE(eventually([&] { return alive() == 0; }));
}

TEST_F(LeftoversTest, ANewNodeDoesNotWaitForTheGraceTime) {
  start_node(/*grace_ms=*/600'000);
  kill_node();
  const auto ended = end_leftovers(dir / "records");
  EXPECT_EQ(alive(), 0u);
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].key, key());
  EXPECT_GE(ended[0].killed, 1u);
  EXPECT_EQ(last_log_lines(ended[0].log, 1),
            std::vector<std::string>{"stdout | up"});
  EXPECT_FALSE(std::filesystem::exists(record()));
}

TEST_F(LeftoversTest, TheTreeEndsEvenWhenNodeAndGuardAreBothKilled) {
  start_node(/*grace_ms=*/600'000);
  auto left = read_leftover_record(record());
  ASSERT_TRUE(left);
  platform::send_signal(node->identity, SIGSTOP);  // It must not clean up.
  ASSERT_TRUE(platform::send_signal(left->guard, SIGKILL));
  kill_node();
  EXPECT_GE(alive(), kOutsiders) << "somebody else ended them";
  EXPECT_EQ(end_leftovers(dir / "records").size(), 1u);
  EXPECT_EQ(alive(), 0u);
}

TEST_F(LeftoversTest, ARecordFromBeforeTheGuardStartedFindsItByItsMark) {
  start_node(/*grace_ms=*/600'000);
  kill_node();
  ASSERT_TRUE(write_leftover_record(
      record(), {.key = key(), .guard = {}, .command = {}, .log = ""}));
  EXPECT_GE(end_leftovers(dir / "records")[0].killed, 4u);
  EXPECT_EQ(alive(), 0u);
}

TEST_F(LeftoversTest, AProcessThatOnlyHasTheNumberOfARecordIsLeftAlone) {
  auto stranger = platform::spawn({.program = "/bin/sleep",
                                   .argv = {"sleep", "600"},
                                   .env = {},
                                   .cwd = {},
                                   .more_fds = {}});
  ASSERT_TRUE(stranger);
  auto reused = stranger->identity;
  reused.start_ticks += 1;
  auto other_boot = stranger->identity;
  other_boot.boot_id = "00000000-0000-0000-0000-000000000000";
  ASSERT_TRUE(write_leftover_record(
      dir / "records/a",
      {.key = key(), .guard = reused, .command = other_boot, .log = ""}));
  const auto ended = end_leftovers(dir / "records");
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].killed, 0u);
  EXPECT_TRUE(platform::is_running(stranger->identity));
  platform::send_signal(stranger->identity, SIGKILL);
  EXPECT_TRUE(platform::wait_child(*stranger));
}

TEST_F(LeftoversTest, ARecordSurvivesItsFile) {
  LeftoverRecord written{.key = "k",
                         .guard = {1, 2, "b"},
                         .command = platform::ProcessIdentity{3, 4, "b"},
                         .log = "/l"};
  ASSERT_TRUE(write_leftover_record(record(), written));
  auto read = read_leftover_record(record());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->key, "k");
  EXPECT_EQ(read->guard, written.guard);
  EXPECT_EQ(read->command, written.command);
  EXPECT_EQ(read->log, "/l");
}

TEST_F(LeftoversTest, ARecordThatCannotBeReadIsRemovedAndHarmsNobody) {
  ASSERT_TRUE(platform::write_file_atomically(record(), "{\"key\":"));
  EXPECT_EQ(read_leftover_record(record()).error().code, Errc::corrupt);
  EXPECT_TRUE(end_leftovers(dir / "records").empty());
  EXPECT_FALSE(std::filesystem::exists(record()));
}

TEST_F(LeftoversTest, ARecordThatIsJustBeingWrittenIsNone) {
  ASSERT_TRUE(write_leftover_record(
      record().string() + ".new",
      {.key = key(), .guard = {}, .command = {}, .log = ""}));
  EXPECT_TRUE(end_leftovers(dir / "records").empty());
  EXPECT_TRUE(std::filesystem::is_empty(dir / "records"));
}

TEST_F(LeftoversTest, AMissingFolderHasNoRecords) {
  EXPECT_TRUE(end_leftovers(dir / "none").empty());
}

}  // namespace
}  // namespace troupe
