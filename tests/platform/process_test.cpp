#include "platform/process.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>

#include "platform/file.hpp"
#include "platform/spawn.hpp"
#include "tests/platform/eventually.hpp"

namespace troupe::platform {
namespace {

Result<Child> shell(const std::string& script, std::vector<std::string> env,
                    int stdout_fd = -1) {
  env.push_back("PATH=/usr/bin:/bin");
  return spawn({.program = "/bin/sh",
                .argv = {"sh", "-c", script},
                .env = std::move(env),
                .cwd = {},
                .stdout_fd = stdout_fd,
                .more_fds = {}});
}

// No other test and no earlier run leaves processes with this mark.
std::string test_mark() {
  return "TROUPE_TEST_MARK=" + std::to_string(::getpid()) + "-" +
         ::testing::UnitTest::GetInstance()->current_test_info()->name();
}

TEST(Process, ReadsAStatLineWhoseNameTriesToDeceive) {
  auto info = parse_process_stat(
      "41 (a) R 1 (x) S 7 41 41 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 9876 1");
  ASSERT_TRUE(info);
  EXPECT_EQ(info->pid, 41);
  EXPECT_EQ(info->state, 'S');
  EXPECT_EQ(info->parent, 7);
  EXPECT_EQ(info->start_ticks, 9876u);
}

TEST(Process, RefusesAStatLineCutShort) {
  auto info = parse_process_stat("41 (sh) S 7 41");
  ASSERT_FALSE(info);
  EXPECT_EQ(info.error().code, Errc::corrupt);
}

TEST(Process, KnowsItself) {
  auto self = process_identity(::getpid());
  ASSERT_TRUE(self);
  EXPECT_TRUE(is_running(*self));
  EXPECT_EQ(process_info(::getpid())->parent, ::getppid());
}

TEST(Process, AnotherStartTimeOrBootIsAnotherProcess) {
  auto self = *process_identity(::getpid());
  auto older = self;
  older.start_ticks -= 1;
  auto before_boot = self;
  before_boot.boot_id = "another";
  EXPECT_FALSE(is_running(older));
  EXPECT_FALSE(is_running(before_boot));
  EXPECT_FALSE(send_signal(older, SIGKILL));
  EXPECT_FALSE(send_signal(before_boot, SIGKILL));
}

TEST(Process, AZombieHasEnded) {
  auto child = shell("exit 0", {});
  ASSERT_TRUE(child);
  ASSERT_TRUE(wait_for_exit(child->pidfd.get(), 10'000));
  EXPECT_FALSE(is_running(child->identity));
  EXPECT_TRUE(wait_child(*child));
}

TEST(Process, FindsDescendantsThroughAllGenerations) {
  const std::vector<ProcessInfo> all{{.pid = 2, .parent = 1},
                                     {.pid = 3, .parent = 2},
                                     {.pid = 4, .parent = 3},
                                     {.pid = 5, .parent = 1},
                                     {.pid = 6, .parent = 6}};
  std::vector<std::int32_t> found;
  for (const auto& info : descendants(all, {2})) found.push_back(info.pid);
  EXPECT_EQ(found, (std::vector<std::int32_t>{3, 4}));
}

TEST(Process, FindsProcessesByTheirEnvironment) {
  const auto mark = test_mark();
  auto child = shell("exec sleep 600", {mark});
  ASSERT_TRUE(child);
  EXPECT_TRUE(
      eventually([&] { return processes_with_environment(mark).size() == 1; }));
  auto found = processes_with_environment(mark);
  EXPECT_TRUE(processes_with_environment(mark + "0").empty());
  EXPECT_TRUE(
      processes_with_environment(mark.substr(0, mark.size() - 1)).empty());
  EXPECT_EQ(kill_tree({*process_info(child->identity.pid)}), 1u);
  EXPECT_EQ(wait_child(*child)->signal, SIGKILL);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].pid, child->identity.pid);
  EXPECT_TRUE(processes_with_environment(mark).empty());
}

TEST(Process, KillsAWholeTreeEvenOneThatKeepsForking) {
  const auto mark = test_mark();
  auto pipe = make_pipe();
  ASSERT_TRUE(pipe);
  auto child = shell(
      "echo up; while :; do sleep 600 & sh -c 'sleep 600; :' & sleep 0.01; "
      "done",
      {mark}, pipe->write_end.get());
  ASSERT_TRUE(child);
  char byte = 0;
  ASSERT_EQ(::read(pipe->read_end.get(), &byte, 1), 1);
  auto info = process_info(child->identity.pid);
  ASSERT_TRUE(info);
  EXPECT_GE(kill_tree({*info}), 1u);
  EXPECT_EQ(wait_child(*child)->signal, SIGKILL);
  EXPECT_TRUE(
      eventually([&] { return processes_with_environment(mark).empty(); }));
}

TEST(Process, NamesSignals) {
  EXPECT_EQ(signal_name(SIGKILL), "SIGKILL");
  EXPECT_EQ(signal_name(SIGRTMIN + 3),
            "signal " + std::to_string(SIGRTMIN + 3));
}

TEST(Process, WaitingForALivingProcessEndsAfterItsTime) {
  auto self = open_pidfd(::getpid());
  ASSERT_TRUE(self);
  EXPECT_FALSE(wait_for_exit(self->get(), 1));
}

TEST(Process, APidfdOfNobodyIsNotFound) {
  auto child = shell("exit 0", {});
  ASSERT_TRUE(wait_child(*child));
  EXPECT_EQ(open_pidfd(child->identity.pid).error().code, Errc::not_found);
}

}  // namespace
}  // namespace troupe::platform
