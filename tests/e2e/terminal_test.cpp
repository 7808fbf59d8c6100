// What people see: the program on a terminal of its own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <unistd.h>

#include <functional>

#include "tests/e2e/program.hpp"

namespace troupe::test {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

class TerminalTest : public testing::Test {
 protected:
  void SetUp() override { node_ = place_.node(); }
  void TearDown() override {
    node_->signal(SIGTERM);
    EXPECT_EQ(node_->finish().code, 0);
  }

  /// All that `troupe ARGS` writes to a terminal of 100 columns. `seen` gets
  /// what there is so far.
  std::string shown(const Words& args, const Words& more_env = {},
                    const std::function<void(const std::string&)>& seen = {}) {
    int master = -1, slave = -1;
    winsize size{.ws_row = 25, .ws_col = 100, .ws_xpixel = 0, .ws_ypixel = 0};
    if (::openpty(&master, &slave, nullptr, nullptr, &size) != 0) return "";
    platform::Fd ours{master}, theirs{slave};
    Words argv{"troupe"};
    argv.insert(argv.end(), args.begin(), args.end());
    Words env{"PATH=/usr/bin:/bin", "LANG=C.UTF-8", "TERM=xterm",
              "TROUPE_DATA=" + place_.data().string()};
    // Of two of a name the first counts.
    env.insert(env.begin(), more_env.begin(), more_env.end());
    auto child = platform::spawn({.program = program(),
                                  .argv = argv,
                                  .env = env,
                                  .cwd = "/",
                                  .stdin_fd = slave,
                                  .stdout_fd = slave,
                                  .stderr_fd = slave});
    EXPECT_TRUE(child);
    theirs.reset();
    std::string text;
    char buffer[4096];
    for (pollfd ready{master, POLLIN, 0}; ::poll(&ready, 1, 30'000) > 0;) {
      const auto count = ::read(master, buffer, sizeof buffer);
      if (count <= 0) break;  // EIO: the program has ended.
      text.append(buffer, static_cast<std::size_t>(count));
      if (seen) seen(text);
    }
    const auto status = platform::wait_child(*child);
    EXPECT_TRUE(status && status->code == 0) << text;
    return text;
  }

  Workplace place_;
  std::unique_ptr<Process> node_;
};

constexpr char kErase[] = "\r\x1b[K";
constexpr char kColour[] = "\x1b\\[[0-9;]*m";

TEST_F(TerminalTest, RunShowsABarWithRateAndTimeLeft) {
  const auto text = shown(
      {"run", "echo", "-p", "text=a", "-p", "steps=40", "-p", "step_ms=50"});
  EXPECT_THAT(text, HasSubstr(kErase));
  EXPECT_THAT(text, HasSubstr("█"));
  EXPECT_THAT(text, ContainsRegex("[0-9]+%"));
  EXPECT_THAT(text, ContainsRegex("[0-9]/s"));
  EXPECT_THAT(text, ContainsRegex("ETA 0?0?:?[0-9]"));
  EXPECT_THAT(text, HasSubstr("succeeded"));
}

TEST_F(TerminalTest, ATransferShowsABarWithRateAndTimeLeft) {
  std::string film;
  film.resize(60'000'000, 'x');
  place_.write("film.bin", film);
  const auto text =
      shown({"artifacts", "put", place_.path("film.bin").string()});
  EXPECT_THAT(text, HasSubstr("film.bin"));
  EXPECT_THAT(text, ContainsRegex("iB/s  ETA "));
}

TEST_F(TerminalTest, ABarOfPlainCharactersWhereTheLocaleHasNoOthers) {
  const auto text = shown(
      {"run", "echo", "-p", "text=a", "-p", "steps=20", "-p", "step_ms=50"},
      {"LC_ALL=C"});
  EXPECT_THAT(text, ContainsRegex("\\[=*>? *\\]"));
  EXPECT_THAT(text, Not(HasSubstr("█")));
}

TEST_F(TerminalTest, WaitOutlivesANodeThatIsAwayAndTellsIt) {
  const auto id = place_.submit({"process.run", "--", "sleep", "3"});
  const auto has = [](const std::string& text, const std::string& part) {
    return text.find(part) != text.npos;
  };
  bool killed = false;
  bool restarted = false;
  const auto text = shown({"jobs", "wait", id}, {}, [&](const auto& so_far) {
    if (!killed && has(so_far, id)) {
      node_->signal(SIGKILL);
      node_->finish();
      killed = true;
    } else if (!restarted && has(so_far, "the node is away; waiting for it")) {
      node_ = place_.node();
      restarted = true;
    }
  });
  EXPECT_TRUE(restarted) << text;
  EXPECT_THAT(text, HasSubstr("the node is back"));
  EXPECT_THAT(text, HasSubstr("succeeded"));
}

TEST_F(TerminalTest, ThereIsNoColourWhereItIsNotWanted) {
  const Words run{"run", "echo", "-p", "text=a", "-p", "steps=5"};
  const auto grey = shown(run, {"NO_COLOR=1"});
  EXPECT_THAT(grey, Not(ContainsRegex(kColour)));
  EXPECT_THAT(grey, HasSubstr(kErase)) << "the bar has gone too";
  EXPECT_THAT(shown(run, {"TERM=dumb"}), Not(HasSubstr("\x1b")));
  EXPECT_THAT(place_.troupe(run).err, Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace troupe::test
