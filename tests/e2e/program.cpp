#include "tests/e2e/program.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "core/clock.hpp"
#include "platform/file.hpp"
#include "platform/process.hpp"
#include "tests/platform/eventually.hpp"

namespace troupe::test {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kPatienceMs = 30'000;

std::int64_t now() {
  return system_steady_clock().now();
}

fs::path new_folder() {
  std::string name = (fs::temp_directory_path() / "troupe-e2e-XXXXXX").string();
  if (!::mkdtemp(name.data())) std::abort();
  return name;
}

Words environment(const Words& more) {
  // No GPU of this machine: what tests say of devices is true everywhere.
  Words env{"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/nonexistent",
            "LANG=C.UTF-8", "CUDA_VISIBLE_DEVICES="};
  env.insert(env.end(), more.begin(), more.end());
  return env;
}

std::string slurp(const fs::path& file) {
  auto text = platform::read_file(file);
  return text ? *text : "";
}

}  // namespace

fs::path program() {
  const auto self = fs::read_symlink("/proc/self/exe");
  return self.parent_path().parent_path() / "bin" / "troupe";
}

std::vector<Json> Output::lines() const {
  std::vector<Json> all;
  std::istringstream in{out};
  for (std::string line; std::getline(in, line);) {
    auto json = parse_json(line);
    EXPECT_TRUE(json) << "no JSON: " << line;
    if (json) all.push_back(*std::move(json));
  }
  return all;
}

Json Output::json() const {
  auto all = lines();
  EXPECT_EQ(all.size(), 1u) << out << err;
  return all.empty() ? Json() : all.front();
}

Process::Process(const Words& args, const Words& env, const fs::path& with) {
  auto in = platform::make_pipe();
  auto out = platform::make_pipe();
  static int count = 0;
  err_file_ =
      fs::temp_directory_path() / ("troupe-e2e-" + std::to_string(::getpid()) +
                                   "-" + std::to_string(count++) + ".err");
  auto err = platform::open_write(err_file_);
  if (!in || !out || !err) std::abort();
  Words argv{"troupe"};
  argv.insert(argv.end(), args.begin(), args.end());
  auto child = platform::spawn({.program = with,
                                .argv = argv,
                                .env = environment(env),
                                .cwd = "/",
                                .stdin_fd = in->read_end.get(),
                                .stdout_fd = out->write_end.get(),
                                .stderr_fd = err->get()});
  if (!child) std::abort();
  child_ = *std::move(child);
  in_ = std::move(in->write_end);
  out_ = std::move(out->read_end);
}

Process::~Process() {
  if (!reaped_) {
    platform::send_signal(child_.identity, SIGKILL);
    auto status = platform::wait_child(child_);
    static_cast<void>(status);
  }
  std::error_code ignored;
  fs::remove(err_file_, ignored);
}

void Process::write(const std::string& text) {
  auto written = platform::write_all(in_.get(), text);
  static_cast<void>(written);  // A reader that ended shows in its output.
}

void Process::close_input() {
  in_ = platform::Fd{};
}

std::optional<std::string> Process::read_line() {
  const auto until = now() + kPatienceMs;
  for (;;) {
    if (auto end = read_.find('\n'); end != read_.npos) {
      auto line = read_.substr(0, end);
      read_.erase(0, end + 1);
      return line;
    }
    pollfd ready{out_.get(), POLLIN, 0};
    const auto left = until - now();
    if (left <= 0 || ::poll(&ready, 1, static_cast<int>(left)) <= 0) return {};
    char buffer[4096];
    const auto count = ::read(out_.get(), buffer, sizeof buffer);
    if (count <= 0) return {};
    read_.append(buffer, static_cast<std::size_t>(count));
  }
}

std::string Process::said() const {
  return slurp(err_file_);
}

void Process::signal(int number) {
  platform::send_signal(child_.identity, number);
}

bool Process::is_running() const {
  return !reaped_ && platform::is_running(child_.identity);
}

bool Process::catches_interrupts() const {
  return platform::eventually([this] {
    std::ifstream status{"/proc/" + std::to_string(pid()) + "/status"};
    for (std::string line; std::getline(status, line);)
      if (line.starts_with("SigCgt:"))
        return (std::stoull(line.substr(7), nullptr, 16) >> (SIGINT - 1)) % 2 ==
               1;
    return false;
  });
}

Output Process::finish(std::int64_t timeout_ms) {
  const auto until = now() + timeout_ms;
  Output output;
  char buffer[65536];
  while (now() < until) {
    pollfd ready{out_.get(), POLLIN, 0};
    if (::poll(&ready, 1, static_cast<int>(until - now())) <= 0) break;
    const auto count = ::read(out_.get(), buffer, sizeof buffer);
    if (count <= 0) break;
    read_.append(buffer, static_cast<std::size_t>(count));
  }
  const auto left = std::max<std::int64_t>(until - now(), 1);
  if (platform::wait_for_exit(child_.pidfd.get(), left)) {
    auto status = platform::wait_child(child_);
    reaped_ = true;
    if (status && status->code) output.code = *status->code;
  }
  output.out = std::move(read_);
  output.err = slurp(err_file_);
  return output;
}

Workplace::Workplace() : folder_{new_folder()} {}

Workplace::~Workplace() {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

fs::path Workplace::install() {
  const auto prefix = path("prefix");
  fs::create_directories(prefix / "bin");
  for (const auto* name : {"troupe", "troupe-device", "troupe-guard"})
    fs::copy_file(program().parent_path() / name, prefix / "bin" / name);
  use(prefix / "bin" / "troupe");
  return prefix;
}

void Workplace::write(const std::string& name, const std::string& text) const {
  auto written = platform::write_file_atomically(path(name), text);
  ASSERT_TRUE(written);
}

std::string Workplace::read(const std::string& name) const {
  return slurp(path(name));
}

std::unique_ptr<Process> Workplace::start(const Words& args,
                                          const Words& env) const {
  auto all = env;
  all.push_back("TROUPE_DATA=" + data().string());
  return std::make_unique<Process>(args, all, program_);
}

Output Workplace::troupe(const Words& args, const std::string& input,
                         const Words& env) const {
  auto process = start(args, env);
  process->write(input);
  process->close_input();
  return process->finish();
}

std::unique_ptr<Process> Workplace::node(const Words& args) const {
  Words all{"node"};
  all.insert(all.end(), args.begin(), args.end());
  auto process = start(all);
  const auto line = process->read_line();
  EXPECT_TRUE(line && line->find("listening") != line->npos)
      << (line ? *line : process->finish(1'000).err);
  return process;
}

std::string Workplace::state(const std::string& id) const {
  const auto json = troupe({"jobs", "show", id, "--json"}).json();
  if (json.contains("error")) return json["error"].value("code", "");
  return json.value("state", "");
}

bool Workplace::reaches(const std::string& id,
                        const std::string& wanted) const {
  const auto until = now() + kPatienceMs;
  while (state(id) != wanted) {
    if (now() > until) return false;
    ::poll(nullptr, 0, 50);
  }
  return true;
}

std::string Workplace::submit(const Words& args) const {
  // Before "--": what follows it belongs to the job.
  Words all{"submit", "--json"};
  all.insert(all.end(), args.begin(), args.end());
  const auto output = troupe(all);
  EXPECT_EQ(output.code, 0) << output.err;
  return output.json().value("id", "");
}

}  // namespace troupe::test
