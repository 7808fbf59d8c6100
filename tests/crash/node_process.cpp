#include "tests/crash/node_process.hpp"

#include <poll.h>
#include <signal.h>

#include <fstream>
#include <sstream>
#include <utility>

#include "core/clock.hpp"
#include "platform/file.hpp"
#include "platform/process.hpp"

namespace troupe::test {

namespace {

std::filesystem::path this_folder() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path();
}

}  // namespace

std::filesystem::path troupe_program() {
  return this_folder().parent_path() / "bin" / "troupe";
}

std::filesystem::path test_program(const std::string& name) {
  return this_folder() / name;
}

void pause_ms(std::int64_t ms) {
  ::poll(nullptr, 0, static_cast<int>(ms));
}

std::int64_t steady_ms() {
  return system_steady_clock().now();
}

std::uint64_t pss_bytes_of(std::int32_t pid) {
  std::ifstream in{"/proc/" + std::to_string(pid) + "/smaps_rollup"};
  std::string word;
  std::uint64_t kib = 0;
  while (in >> word)
    if (word == "Pss:" && in >> kib) return kib * 1024;
  return 0;
}

NodeProcess::~NodeProcess() {
  kill();
}

Status NodeProcess::start() {
  kill();
  auto log = platform::open_append(data_.string() + ".log");
  if (!log) return log.error();
  auto child = platform::spawn(
      {.program = troupe_program(),
       .argv = {"troupe", "node", "--data", data_.string()},
       .env = {"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/nonexistent"},
       .cwd = "/",
       .stdout_fd = log->get(),
       .stderr_fd = log->get()});
  if (!child) return child.error();
  child_ = std::move(*child);
  return ok();
}

void NodeProcess::kill() {
  if (!child_) return;
  platform::send_signal(child_->identity, SIGKILL);
  const auto status = platform::wait_child(*child_);
  static_cast<void>(status);
  child_.reset();
}

Status NodeProcess::stop(std::int64_t timeout_ms) {
  if (!child_) return ok();
  platform::send_signal(child_->identity, SIGTERM);
  if (!platform::wait_for_exit(child_->pidfd.get(), timeout_ms))
    return Error{Errc::timeout, "the node does not end: " + last_output()};
  const auto status = platform::wait_child(*child_);
  child_.reset();
  if (!status) return status.error();
  if (status->code != 0)
    return Error{Errc::internal, "the node ended badly: " + last_output()};
  return ok();
}

bool NodeProcess::is_running() const {
  return child_ && platform::is_running(child_->identity);
}

std::uint64_t NodeProcess::pss_bytes() const {
  return child_ ? pss_bytes_of(child_->identity.pid) : 0;
}

std::string NodeProcess::last_output() const {
  constexpr std::size_t kShown = 4'000;
  const auto text = platform::read_file(data_.string() + ".log");
  if (!text) return text.error().message;
  return text->size() > kShown ? text->substr(text->size() - kShown) : *text;
}

Result<std::unique_ptr<client::Client>> NodeProcess::connect(
    std::int64_t timeout_ms) {
  Result<std::unique_ptr<client::Client>> client =
      Error{Errc::timeout, "the node was not asked"};
  within(timeout_ms, [&] {
    client = client::Client::connect({.data = data_});
    return bool{client} || !is_running();
  });
  if (!client && !is_running())
    return Error{Errc::unavailable, "the node ended: " + last_output()};
  return client;
}

}  // namespace troupe::test
