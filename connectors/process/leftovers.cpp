#include "connectors/process/leftovers.hpp"

#include <csignal>
#include <nlohmann/json.hpp>

#include "connectors/process/runner.hpp"
#include "platform/file.hpp"

namespace troupe {

namespace {

using Json = nlohmann::ordered_json;

// The guard needs no longer than this to kill a tree; then it is done for it.
constexpr std::int64_t kGuardPatienceMs = 5'000;
// A process that forks while it is looked for shows up in the next look. Two
// empty looks in a row end it, because exec hides a process for a moment.
constexpr int kMaxLooks = 100;
constexpr char kNewRecord[] = ".new";

Json to_json(const platform::ProcessIdentity& identity) {
  return {{"pid", identity.pid},
          {"start_ticks", identity.start_ticks},
          {"boot_id", identity.boot_id}};
}

platform::ProcessIdentity to_identity(const Json& json) {
  return {json.at("pid").get<std::int32_t>(),
          json.at("start_ticks").get<std::uint64_t>(),
          json.at("boot_id").get<std::string>()};
}

std::size_t kill_with_descendants(const platform::ProcessIdentity& identity) {
  if (!platform::is_running(identity)) return 0;
  return platform::kill_tree({{.pid = identity.pid,
                               .parent = 0,
                               .state = '?',
                               .start_ticks = identity.start_ticks}});
}

std::size_t end_leftover(const LeftoverRecord& record) {
  std::size_t killed = 0;
  // A guard that lives is about to end its tree with grace; a new node has
  // no time for that, and the guard knows the tree better than anybody.
  if (platform::is_running(record.guard)) {
    auto pidfd = platform::open_pidfd(record.guard.pid);
    killed += platform::send_signal(record.guard, SIGQUIT) ? 1 : 0;
    if (pidfd && !platform::wait_for_exit(pidfd->get(), kGuardPatienceMs))
      killed += kill_with_descendants(record.guard);
  }
  if (record.command) killed += kill_with_descendants(*record.command);
  return killed + end_attempt_processes(record.key);
}

}  // namespace

Status write_leftover_record(const std::filesystem::path& path,
                             const LeftoverRecord& record) {
  Json json{{"version", 1},
            {"key", record.key},
            {"guard", to_json(record.guard)},
            {"log", record.log}};
  if (record.command) json["command"] = to_json(*record.command);
  // To a new name first: a node killed in between leaves the old record.
  const std::filesystem::path next = path.string() + kNewRecord;
  auto file = platform::open_write(next);
  if (!file) return file.error();
  auto written = platform::write_all(
      file->get(), json.dump(-1, ' ', true, Json::error_handler_t::replace));
  if (!written) return written;
  std::error_code failed;
  std::filesystem::rename(next, path, failed);
  if (failed) return platform::errno_error("rename", failed.value());
  return ok();
}

Result<LeftoverRecord> read_leftover_record(const std::filesystem::path& path) {
  auto text = platform::read_file(path, 1 << 20);
  if (!text) return text.error();
  try {
    const auto json = Json::parse(*text);
    LeftoverRecord record{.key = json.at("key").get<std::string>(),
                          .guard = to_identity(json.at("guard")),
                          .command = {},
                          .log = json.at("log").get<std::string>()};
    if (json.contains("command")) record.command = to_identity(json["command"]);
    return record;
  } catch (const Json::exception& bad) {
    return Error{Errc::corrupt, "read " + path.string() + ": " + bad.what()};
  }
}

std::size_t end_attempt_processes(const std::string& key) {
  const auto mark = std::string{kAttemptVariable} + "=" + key;
  std::size_t killed = 0;
  int empty = 0;
  for (int look = 0; look < kMaxLooks && empty < 2; ++look) {
    auto found = platform::processes_with_environment(mark);
    std::erase_if(found, [](const platform::ProcessInfo& info) {
      return info.state == 'Z' || info.state == 'X';
    });
    empty = found.empty() ? empty + 1 : 0;
    if (found.empty()) continue;
    std::vector<platform::Fd> pidfds;
    for (const auto& info : found)
      if (auto fd = platform::open_pidfd(info.pid))
        pidfds.push_back(*std::move(fd));
    killed += platform::kill_tree(found);
    for (const auto& fd : pidfds)
      platform::wait_for_exit(fd.get(), kGuardPatienceMs / kMaxLooks);
  }
  return killed;
}

std::vector<EndedLeftover> end_leftovers(const std::filesystem::path& folder) {
  std::vector<EndedLeftover> ended;
  std::error_code failed;
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder, failed))
    paths.push_back(entry.path());
  for (const auto& path : paths) {
    // A record that cannot be read cannot be acted on; keeping it would only
    // repeat that at every start. One under its new name is no record yet:
    // nothing was started before the first one had its own.
    Result<LeftoverRecord> record =
        path.extension() == kNewRecord
            ? Result<LeftoverRecord>{Error{Errc::not_found, "not yet a record"}}
            : read_leftover_record(path);
    if (record)
      ended.push_back({.key = record->key,
                       .log = record->log,
                       .killed = end_leftover(*record)});
    std::filesystem::remove(path, failed);
  }
  return ended;
}

}  // namespace troupe
