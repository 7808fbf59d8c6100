#include "platform/memory.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <sstream>
#include <string>

#include "platform/file.hpp"

namespace troupe::platform {

namespace {

std::optional<std::uint64_t> leading_number(std::string_view text) {
  const auto start = text.find_first_not_of(" \t");
  if (start == std::string_view::npos) return {};
  text.remove_prefix(start);
  std::uint64_t value = 0;
  const auto parsed =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc{}) return {};  // "max": no limit.
  return value;
}

Result<std::uint64_t> machine_bytes(const std::filesystem::path& root) {
  auto text = read_file(root / "proc/meminfo");
  if (!text) return text.error();
  constexpr std::string_view kKey = "MemTotal:";
  const auto at = text->find(kKey);
  if (at != std::string::npos)
    if (auto kib =
            leading_number(std::string_view{*text}.substr(at + kKey.size())))
      return *kib * 1024;
  return Error{Errc::corrupt, "/proc/meminfo has no MemTotal"};
}

// A limit anywhere above holds for the group too. Inside a container the path
// may not exist below the mount; the mount's own file then is the limit.
std::uint64_t group_limit(const std::filesystem::path& mount,
                          std::filesystem::path group, const char* file,
                          std::uint64_t bytes) {
  for (;; group = group.parent_path()) {
    const auto dir = mount / group.relative_path();
    if (auto text = read_file(dir / file, 256))
      if (auto limit = leading_number(*text)) bytes = std::min(bytes, *limit);
    if (group.relative_path().empty()) return bytes;
  }
}

bool lists(std::string_view controllers, std::string_view name) {
  while (!controllers.empty()) {
    const auto word = controllers.substr(0, controllers.find(','));
    if (word == name) return true;
    controllers.remove_prefix(std::min(controllers.size(), word.size() + 1));
  }
  return false;
}

}  // namespace

Result<std::uint64_t> memory_capacity_bytes(const std::filesystem::path& root) {
  auto bytes = machine_bytes(root);
  if (!bytes) return bytes;
  auto groups = read_file(root / "proc/self/cgroup");
  if (!groups) return bytes;  // A kernel without control groups.
  std::istringstream lines{*groups};
  for (std::string line; std::getline(lines, line);) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const auto controllers = line.substr(first + 1, second - first - 1);
    const std::filesystem::path group = line.substr(second + 1);
    const auto mounts = root / "sys/fs/cgroup";
    if (controllers.empty())
      bytes = group_limit(mounts, group, "memory.max", *bytes);
    else if (lists(controllers, "memory"))
      bytes = group_limit(mounts / "memory", group, "memory.limit_in_bytes",
                          *bytes);
  }
  return bytes;
}

}  // namespace troupe::platform
