#include "apps/own_node.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <sstream>

#include "apps/exit_codes.hpp"
#include "apps/node_use.hpp"
#include "cluster/endpoint.hpp"
#include "codec/json.hpp"
#include "platform/file.hpp"
#include "platform/process.hpp"

namespace troupe {
namespace {

constexpr std::int64_t kNodeEndsMs = 30'000;
constexpr std::int64_t kLookAgainMs = 20;
constexpr std::size_t kLogBytes = 1 << 20;

std::filesystem::path log_file(const std::filesystem::path& data) {
  return data / "own-node.log";
}
std::filesystem::path mark_file(const std::filesystem::path& data) {
  return data / "own-node";
}

std::vector<std::string> environment() {
  std::vector<std::string> all;
  for (char** entry = ::environ; *entry; ++entry) all.emplace_back(*entry);
  return all;
}

/// For what a node prints that has no file yet: in memory.
Result<platform::Fd> unnamed_file() {
  platform::Fd file{::memfd_create("own-node", MFD_CLOEXEC)};
  if (!file) return platform::errno_error("memfd_create", errno);
  return file;
}

/// The last of it.
Result<std::string> tail(int fd) {
  const auto bytes = platform::file_size(fd);
  if (!bytes) return bytes.error();
  return platform::read_at(fd, *bytes > kLogBytes ? *bytes - kLogBytes : 0,
                           kLogBytes);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);)
    if (!line.empty()) lines.push_back(line);
  return lines;
}

/// The object with which a command says what went wrong.
struct Refusal {
  Error error;
};
template <class Inspector>
bool inspect(Inspector& f, Refusal& x) {
  return f.object(x).fields(f.field("error", x.error));
}

/// Nothing: the line is no such object.
std::optional<Error> error_in(const std::string& line) {
  const auto json = parse_json(line);
  if (!json || !json->is_object() || !json->contains("error")) return {};
  auto refusal = from_json<Refusal>(*json, UnknownFields::skip);
  if (!refusal) return {};
  return std::move(refusal->error);
}

/// Of one that ended without a word about it: killed, or by a defect.
Error last_line(const std::vector<std::string>& lines) {
  return {Errc::internal, lines.empty() ? "it said nothing" : lines.back()};
}

}  // namespace

Result<std::unique_ptr<OwnNode>> OwnNode::start(
    const std::filesystem::path& data) {
  if (auto made = platform::make_dirs(data); !made) return made.error();
  auto said = unnamed_file();
  if (!said) return said.error();
  auto pipe = platform::make_pipe();
  if (!pipe) return pipe.error();
  auto child =
      platform::spawn({.program = "/proc/self/exe",
                       .argv = {"troupe", "node", "--json", "--data",
                                data.string(), "--until-stdin-closes"},
                       .env = environment(),
                       .stdin_fd = pipe->read_end.get(),
                       .stdout_fd = said->get(),
                       .stderr_fd = said->get(),
                       .new_session = true});  // Ctrl-C is for us alone.
  if (!child) return child.error();
  return std::unique_ptr<OwnNode>{new OwnNode{
      data, *std::move(child), std::move(pipe->write_end), *std::move(said)}};
}

OwnNode::~OwnNode() {
  hold_ = platform::Fd{};
  for (std::int64_t waited_ms = 0;
       !platform::wait_for_exit(child_.pidfd.get(), kLookAgainMs);
       waited_ms += kLookAgainMs) {
    if (NodeUse::anyone(data_)) return;
    if (waited_ms < kNodeEndsMs) continue;
    platform::send_signal(child_.identity, SIGKILL);
    break;
  }
  wait();
}

void OwnNode::see_off(const std::filesystem::path& data) {
  const auto node = cluster::read_node_address(data);
  if (!node) return;
  for (std::int64_t waited_ms = 0;
       waited_ms < kNodeEndsMs && marked(data) && !NodeUse::anyone(data) &&
       platform::process_info(static_cast<std::int32_t>(node->pid));
       waited_ms += kLookAgainMs)
    ::poll(nullptr, 0, kLookAgainMs);
}

const platform::ExitStatus& OwnNode::wait() {
  if (!end_) {
    auto status = platform::wait_child(child_);
    end_ = status ? *std::move(status) : platform::ExitStatus{};
  }
  return *end_;
}

Result<std::string> OwnNode::last_words() const {
  auto text = tail(said_.get());
  if (!text || !text->empty()) return text;
  auto log = platform::open_read(log_file(data_));
  if (!log) return text;
  return tail(log->get());
}

OwnNode::End OwnNode::end() {
  const auto text = last_words();
  if (!text) return {text.error()};
  const auto lines = lines_of(*text);
  End end{last_line(lines)};
  for (const auto& line : lines)
    if (auto error = error_in(line)) end.error = *std::move(error);
  end.misuse = wait().code == static_cast<int>(ExitCode::usage);
  return end;
}

bool OwnNode::is_running() const {
  return platform::is_running(child_.identity);
}

bool OwnNode::marked(const std::filesystem::path& data) {
  const auto mark = platform::read_file(mark_file(data), 64);
  if (!mark) return false;
  const auto node = cluster::read_node_address(data);
  if (!node) return node.error().code == Errc::not_found;
  return *mark == std::to_string(node->pid) + "\n";
}

Status OwnNode::mark(const std::filesystem::path& data, bool own) {
  if (own)
    return platform::write_file_atomically(mark_file(data),
                                           std::to_string(::getpid()) + "\n");
  std::error_code failed;
  std::filesystem::remove(mark_file(data), failed);
  if (!failed) return ok();
  return Error{Errc::io_error, mark_file(data).string() +
                                   ": cannot be removed: " + failed.message()};
}

Status OwnNode::take_log(const std::filesystem::path& data) {
  const auto log = platform::open_write(log_file(data));
  if (!log) return log.error();
  for (const int fd : {STDOUT_FILENO, STDERR_FILENO})
    if (::dup2(log->get(), fd) < 0)
      return platform::errno_error("dup2 " + log_file(data).string(), errno);
  return ok();
}

}  // namespace troupe
