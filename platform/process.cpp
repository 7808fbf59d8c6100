#include "platform/process.hpp"

#include <dirent.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstring>
#include <memory>
#include <unordered_map>
#include <unordered_set>

#include "platform/file.hpp"

namespace troupe::platform {

namespace {

std::string proc_path(std::int32_t pid, const char* name) {
  return "/proc/" + std::to_string(pid) + "/" + name;
}

std::string_view next_word(std::string_view& text) {
  const auto start = text.find_first_not_of(" \n");
  if (start == std::string_view::npos) return {};
  text.remove_prefix(start);
  const auto word = text.substr(0, text.find_first_of(" \n"));
  text.remove_prefix(word.size());
  return word;
}

template <class Int>
bool parse_int(std::string_view word, Int& value) {
  const auto end = word.data() + word.size();
  const auto [ptr, error] = std::from_chars(word.data(), end, value);
  return error == std::errc{} && ptr == end;
}

std::vector<std::int32_t> process_ids() {
  std::vector<std::int32_t> ids;
  const std::unique_ptr<DIR, int (*)(DIR*)> dir{::opendir("/proc"),
                                                &::closedir};
  if (!dir) return ids;
  while (const dirent* entry = ::readdir(dir.get())) {
    std::int32_t pid = 0;
    if (parse_int(std::string_view{entry->d_name}, pid)) ids.push_back(pid);
  }
  return ids;
}

bool send_checked(std::int32_t pid, std::uint64_t start_ticks, int signal) {
  auto pidfd = open_pidfd(pid);
  if (!pidfd) return false;
  // Looked at after the descriptor was taken: if the start time is right now,
  // the descriptor is of that process and no later one can take its place.
  auto info = process_info(pid);
  if (!info || info->start_ticks != start_ticks || info->state == 'Z')
    return false;
  return ::syscall(SYS_pidfd_send_signal, pidfd->get(), signal, nullptr, 0) ==
         0;
}

}  // namespace

Result<std::string> boot_id() {
  auto text = read_file("/proc/sys/kernel/random/boot_id", 128);
  if (!text) return text.error();
  while (!text->empty() && text->back() == '\n') text->pop_back();
  return *std::move(text);
}

Result<ProcessInfo> parse_process_stat(std::string_view text) {
  const Error bad{Errc::corrupt, "/proc/PID/stat is not of the known form"};
  ProcessInfo info;
  const auto open = text.find(" (");
  // The last one: a process may call itself ") R 1".
  const auto close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos ||
      !parse_int(text.substr(0, open), info.pid))
    return bad;
  text.remove_prefix(close + 1);
  const auto state = next_word(text);
  if (state.size() != 1) return bad;
  info.state = state[0];
  if (!parse_int(next_word(text), info.parent)) return bad;
  constexpr int kFieldsBetween = 17;  // From parent (4) to start time (22).
  for (int i = 0; i < kFieldsBetween; ++i) next_word(text);
  if (!parse_int(next_word(text), info.start_ticks)) return bad;
  return info;
}

Result<ProcessInfo> process_info(std::int32_t pid) {
  auto text = read_file(proc_path(pid, "stat"), 1 << 16);
  if (text) return parse_process_stat(*text);
  return Error{Errc::not_found, "no process " + std::to_string(pid)};
}

Result<ProcessIdentity> process_identity(std::int32_t pid) {
  auto info = process_info(pid);
  if (!info) return info.error();
  auto boot = boot_id();
  if (!boot) return boot.error();
  return ProcessIdentity{pid, info->start_ticks, *std::move(boot)};
}

bool is_running(const ProcessIdentity& identity) {
  auto boot = boot_id();
  if (!boot || *boot != identity.boot_id) return false;
  auto info = process_info(identity.pid);
  return info && info->start_ticks == identity.start_ticks &&
         info->state != 'Z' && info->state != 'X';
}

std::vector<ProcessInfo> list_processes() {
  std::vector<ProcessInfo> all;
  for (const auto pid : process_ids())
    if (auto info = process_info(pid)) all.push_back(*info);
  return all;
}

std::vector<ProcessInfo> descendants(const std::vector<ProcessInfo>& all,
                                     const std::vector<std::int32_t>& roots) {
  std::unordered_map<std::int32_t, std::vector<const ProcessInfo*>> children;
  for (const auto& info : all) children[info.parent].push_back(&info);
  std::unordered_set<std::int32_t> seen{roots.begin(), roots.end()};
  std::vector<std::int32_t> open = roots;
  std::vector<ProcessInfo> found;
  while (!open.empty()) {
    const auto pid = open.back();
    open.pop_back();
    for (const auto* child : children[pid]) {
      if (!seen.insert(child->pid).second) continue;
      found.push_back(*child);
      open.push_back(child->pid);
    }
  }
  return found;
}

std::vector<ProcessInfo> processes_with_environment(std::string_view entry) {
  std::vector<ProcessInfo> found;
  const std::string wanted = '\0' + std::string{entry} + '\0';
  for (const auto pid : process_ids()) {
    auto text = read_file(proc_path(pid, "environ"), 8u << 20);
    if (!text || ('\0' + *text).find(wanted) == std::string::npos) continue;
    if (auto info = process_info(pid)) found.push_back(*info);
  }
  return found;
}

Result<Fd> open_pidfd(std::int32_t pid) {
  const auto fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (fd >= 0) return Fd{fd};
  if (errno == ESRCH)
    return Error{Errc::not_found, "no process " + std::to_string(pid)};
  if (errno == ENOSYS)
    return Error{Errc::unsupported,
                 "pidfd_open: this kernel is older than 5.3"};
  return errno_error("pidfd_open", errno);
}

bool send_signal(const ProcessIdentity& identity, int signal) {
  auto boot = boot_id();
  return boot && *boot == identity.boot_id &&
         send_checked(identity.pid, identity.start_ticks, signal);
}

bool send_signal(const ProcessInfo& info, int signal) {
  return send_checked(info.pid, info.start_ticks, signal);
}

bool wait_for_exit(int pidfd, std::int64_t timeout_ms) {
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + std::chrono::milliseconds{timeout_ms};
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    pollfd wait{.fd = pidfd, .events = POLLIN, .revents = 0};
    const int n = ::poll(
        &wait, 1, static_cast<int>(std::max<std::int64_t>(0, left.count())));
    if (n > 0) return true;
    if (n == 0 || errno != EINTR) return false;
  }
}

std::size_t kill_tree(const std::vector<ProcessInfo>& roots) {
  std::vector<std::int32_t> root_ids;
  for (const auto& root : roots) root_ids.push_back(root.pid);
  std::unordered_set<std::int32_t> frozen;
  std::vector<ProcessInfo> tree = roots;
  // A stopped process cannot fork, so each pass can only add what forked
  // before its parent was stopped; the passes end when nothing new is seen.
  for (bool grew = true; grew;) {
    grew = false;
    for (const auto& member : tree)
      if (frozen.insert(member.pid).second)
        grew = send_signal(member, SIGSTOP) || grew;
    tree = descendants(list_processes(), root_ids);
    tree.insert(tree.end(), roots.begin(), roots.end());
  }
  std::size_t killed = 0;
  for (const auto& member : tree)
    if (send_signal(member, SIGKILL)) ++killed;
  return killed;
}

std::string signal_name(int signal) {
  if (const char* name = ::sigabbrev_np(signal))
    return std::string{"SIG"} + name;
  return "signal " + std::to_string(signal);
}

}  // namespace troupe::platform
