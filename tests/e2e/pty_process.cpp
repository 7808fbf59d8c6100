#include "tests/e2e/pty_process.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "platform/file.hpp"
#include "platform/process.hpp"

namespace troupe::test {
namespace {

constexpr int kSilenceMs = 30'000;

}  // namespace

PtyProcess::PtyProcess(const Workplace& place, const Words& args,
                       const Words& more_env) {
  int master = -1, slave = -1;
  winsize size{.ws_row = 25, .ws_col = 100, .ws_xpixel = 0, .ws_ypixel = 0};
  if (::openpty(&master, &slave, nullptr, nullptr, &size) != 0) std::abort();
  master_ = platform::Fd{master};
  const platform::Fd theirs{slave};
  Words argv{"troupe"};
  argv.insert(argv.end(), args.begin(), args.end());
  Words env = more_env;
  for (const auto& entry :
       {std::string("PATH=/usr/bin:/bin"), std::string("LANG=C.UTF-8"),
        std::string("TERM=xterm"), "TROUPE_DATA=" + place.data().string()})
    env.push_back(entry);
  auto child = platform::spawn({.program = program(),
                                .argv = argv,
                                .env = env,
                                .cwd = "/",
                                .stdin_fd = slave,
                                .stdout_fd = slave,
                                .stderr_fd = slave});
  if (!child) std::abort();
  child_ = *std::move(child);
}

PtyProcess::~PtyProcess() {
  if (reaped_) return;
  platform::send_signal(child_.identity, SIGKILL);
  auto status = platform::wait_child(child_);
  static_cast<void>(status);
}

bool PtyProcess::shows(const std::string& text) {
  for (;;) {
    if (const auto at = text_.find(text, seen_); at != text_.npos) {
      seen_ = at + text.size();
      return true;
    }
    if (!read_more()) return false;
  }
}

bool PtyProcess::writes_after(std::string_view mark, std::size_t bytes) {
  const auto begin = [&] {
    const auto at = text_.rfind(mark);
    return at == std::string::npos ? seen_ : std::max(seen_, at + mark.size());
  };
  while (text_.size() < begin() + bytes)
    if (!read_more()) return false;
  seen_ = text_.size();
  return true;
}

void PtyProcess::type(const std::string& text) {
  EXPECT_TRUE(platform::write_all(master_.get(), text));
}

void PtyProcess::signal(int number) {
  platform::send_signal(child_.identity, number);
}

int PtyProcess::finish() {
  while (read_more()) continue;
  if (!platform::wait_for_exit(child_.pidfd.get(), kSilenceMs)) return -1;
  const auto status = platform::wait_child(child_);
  reaped_ = true;
  return status && status->code ? *status->code : -1;
}

bool PtyProcess::read_more() {
  pollfd ready{master_.get(), POLLIN, 0};
  if (::poll(&ready, 1, kSilenceMs) <= 0) return false;
  char buffer[4096];
  const auto count = ::read(master_.get(), buffer, sizeof buffer);
  if (count <= 0) return false;  // EIO: the program has ended.
  text_.append(buffer, static_cast<std::size_t>(count));
  return true;
}

}  // namespace troupe::test
