#include "platform/spawn.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "platform/file.hpp"
#include "tests/platform/temp_dir.hpp"

namespace troupe::platform {
namespace {

struct Ran {
  ExitStatus status;
  std::string out;
};

// Runs a shell script to its end; what it prints must fit into a pipe.
Result<Ran> run(SpawnSpec spec, const std::string& script) {
  auto pipe = make_pipe();
  if (!pipe) return pipe.error();
  spec.program = "/bin/sh";
  spec.argv = {"sh", "-c", script};
  spec.stdout_fd = pipe->write_end.get();
  auto child = spawn(spec);
  if (!child) return child.error();
  pipe->write_end.reset();
  auto status = wait_child(*child);
  if (!status) return status.error();
  std::string out(1 << 16, '\0');
  const auto n = ::read(pipe->read_end.get(), out.data(), out.size());
  out.resize(static_cast<std::size_t>(std::max<ssize_t>(0, n)));
  return Ran{*status, out};
}

TEST(Spawn, GivesExactlyTheEnvironment) {
  auto ran = run({.env = {"A=1", "B=two words"}}, "echo \"$A,$B,$HOME\"");
  ASSERT_TRUE(ran) << ran.error().message;
  EXPECT_EQ(ran->out, "1,two words,\n");
  EXPECT_EQ(ran->status.code, 0);
}

TEST(Spawn, RunsInTheGivenFolder) {
  TempDir dir;
  auto ran = run({.cwd = dir.path()}, "pwd -P");
  ASSERT_TRUE(ran);
  EXPECT_EQ(ran->out, std::filesystem::canonical(dir.path()).string() + "\n");
}

TEST(Spawn, ClosesEveryOtherDescriptor) {
  TempDir dir;
  // Without O_CLOEXEC on purpose: a careless library opens like this. A number
  // far above those that the shell itself opens while it lists.
  const Fd stray{::fcntl(0, F_DUPFD, 100)};
  auto more = create_new(dir / "more");
  auto ran = run({.more_fds = {more->get()}},
                 "for f in /proc/self/fd/*; do echo ${f##*/}; done | sort -n "
                 "| tr '\\n' ' '");
  ASSERT_TRUE(ran);
  // Only 0 to 3, and what the shell itself opens while it lists.
  EXPECT_EQ(ran->out.substr(0, 8), "0 1 2 3 ");
  EXPECT_EQ(ran->out.find(" " + std::to_string(stray.get()) + " "),
            std::string::npos);
}

TEST(Spawn, MoreDescriptorsArriveInOrderWhateverTheirNumbers) {
  TempDir dir;
  auto a = create_new(dir / "a");
  auto b = create_new(dir / "b");
  auto ran =
      run({.more_fds = {b->get(), a->get()}}, "echo to_b >&3; echo to_a >&4");
  ASSERT_TRUE(ran);
  EXPECT_EQ(*read_file(dir / "a"), "to_a\n");
  EXPECT_EQ(*read_file(dir / "b"), "to_b\n");
}

TEST(Spawn, ReportsExitCodeAndSignal) {
  EXPECT_EQ(run({}, "exit 7")->status.code, 7);
  auto killed = run({}, "kill -9 $$");
  EXPECT_EQ(killed->status.signal, SIGKILL);
  EXPECT_FALSE(killed->status.code);
}

TEST(Spawn, AMissingProgramIsNotFound) {
  auto child = spawn({.program = "/no/such/program", .argv = {"x"}});
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().code, Errc::not_found);
}

TEST(Spawn, AFileWithoutTheRightToRunIsDenied) {
  TempDir dir;
  ASSERT_TRUE(write_file_atomically(dir / "x", "#!/bin/sh\n"));
  auto child = spawn({.program = dir / "x", .argv = {"x"}});
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().code, Errc::denied);
}

TEST(Spawn, SignalsBlockedHereAreOpenInTheChild) {
  sigset_t term;
  sigset_t old;
  ::sigemptyset(&term);
  ::sigaddset(&term, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &term, &old);
  auto ran = run({}, "kill -TERM $$; echo survived");
  ::pthread_sigmask(SIG_SETMASK, &old, nullptr);
  ASSERT_TRUE(ran);
  EXPECT_EQ(ran->status.signal, SIGTERM);
}

TEST(Spawn, WorksFromManyThreadsAtOnce) {
  std::vector<int> codes(8, -1);
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&codes, i] {
      auto ran = run({}, "exit " + std::to_string(i));
      if (ran && ran->status.code)
        codes[static_cast<std::size_t>(i)] = *ran->status.code;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(codes, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7}));
}

TEST(Spawn, MeasuresTheMemoryOfTheChild) {
  auto ran = run({}, "exit 0");
  ASSERT_TRUE(ran);
  EXPECT_GT(ran->status.usage.peak_rss_bytes, 100'000);
}

TEST(Spawn, EndsAdoptedOrphansAndLeavesItsOwnChildrenAlone) {
  ASSERT_TRUE(adopt_orphans());
  auto mine = spawn({.program = "/bin/sleep", .argv = {"sleep", "600"}});
  ASSERT_TRUE(mine);
  // Its parents end when this returns: soon nobody but us is left to ask.
  auto ran = run({.env = {"PATH=/usr/bin:/bin"}},
                 "(setsid sh -c 'sleep 600 & echo $!; wait' 2>/dev/null &)"
                 " | head -n 1");
  ASSERT_TRUE(ran);
  auto orphan = process_identity(std::stoi(ran->out));
  ASSERT_TRUE(orphan) << ran->out;
  EXPECT_GE(end_orphans(), 2u);  // And who was just ending by itself.
  EXPECT_FALSE(is_running(*orphan));
  EXPECT_TRUE(is_running(mine->identity));
  EXPECT_EQ(end_orphans(), 0u);
  send_signal(mine->identity, SIGKILL);
  EXPECT_EQ(wait_child(*mine)->signal, SIGKILL);
}

}  // namespace
}  // namespace troupe::platform
