// What the kernel knows about processes: who they are beyond a reusable
// number, who descends from whom, and signals that cannot hit a stranger.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "platform/fd.hpp"

namespace troupe::platform {

/// Process numbers are reused; a number, its start time and the boot are not.
struct ProcessIdentity {
  std::int32_t pid = 0;
  std::uint64_t start_ticks = 0;  // Clock ticks after boot, /proc/PID/stat 22.
  std::string boot_id;            // /proc/sys/kernel/random/boot_id.
  friend bool operator==(const ProcessIdentity&,
                         const ProcessIdentity&) = default;
};

struct ProcessInfo {
  std::int32_t pid = 0;
  std::int32_t parent = 0;
  char state = '?';  // 'Z': ended, not yet waited for.
  std::uint64_t start_ticks = 0;
};

Result<std::string> boot_id();

/// Errors: not_found when there is no such process.
Result<ProcessInfo> process_info(std::int32_t pid);
Result<ProcessIdentity> process_identity(std::int32_t pid);

/// True while exactly that process lives; zombies count as ended.
bool is_running(const ProcessIdentity& identity);

/// Reads the text of /proc/PID/stat; the name in it may hold anything.
/// Errors: corrupt.
Result<ProcessInfo> parse_process_stat(std::string_view text);

/// All processes that this user can see, in no order. A snapshot: processes
/// come and go while it is taken.
std::vector<ProcessInfo> list_processes();

/// The processes of `all` whose chain of parents leads to one of `roots`,
/// without the roots.
std::vector<ProcessInfo> descendants(const std::vector<ProcessInfo>& all,
                                     const std::vector<std::int32_t>& roots);

/// Processes whose initial environment holds exactly `entry` ("NAME=value").
/// Misses one that is just being replaced by exec: look again to be sure.
std::vector<ProcessInfo> processes_with_environment(std::string_view entry);

/// A descriptor that becomes readable when the process ends.
/// Errors: not_found, unsupported (a kernel before 5.3).
Result<Fd> open_pidfd(std::int32_t pid);

/// Sends `signal` to exactly that process. True: sent. False: it has ended,
/// or the number belongs to another process by now.
bool send_signal(const ProcessIdentity& identity, int signal);
bool send_signal(const ProcessInfo& info, int signal);

/// Waits until the descriptor of open_pidfd() says "ended" or the time is
/// over; true: ended.
bool wait_for_exit(int pidfd, std::int64_t timeout_ms);

/// Kills `roots` and all that descends from them: freezes the tree until no
/// new member appears, then kills it, so that a tree which keeps forking
/// cannot outrun it. Returns how many processes were killed.
std::size_t kill_tree(const std::vector<ProcessInfo>& roots);

/// "SIGKILL", "SIGTERM", …; "signal 42" for those without a name.
std::string signal_name(int signal);

}  // namespace troupe::platform
