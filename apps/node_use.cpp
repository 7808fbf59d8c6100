#include "apps/node_use.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>

#include <cerrno>

namespace troupe {
namespace {

constexpr int kTryAgainMs = 10;

platform::Fd open_file(const std::filesystem::path& data) {
  return platform::Fd{::open((data / "own-node.users").c_str(),
                             O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
}

bool lock(const platform::Fd& fd, int how) {
  for (;;) {
    if (::flock(fd.get(), how) == 0) return true;
    if (errno != EINTR) return false;
  }
}

}  // namespace

NodeUse NodeUse::take(const std::filesystem::path& data,
                      std::int64_t patience_ms) {
  auto fd = open_file(data);
  if (!fd) return {};
  for (std::int64_t waited_ms = 0; !lock(fd, LOCK_SH | LOCK_NB);
       waited_ms += kTryAgainMs) {
    if (waited_ms >= patience_ms) return {};
    ::poll(nullptr, 0, kTryAgainMs);
  }
  return NodeUse{std::move(fd)};
}

bool NodeUse::anyone(const std::filesystem::path& data) {
  const auto fd = open_file(data);
  // Who cannot share it meets the node itself, which is leaving.
  return fd && !lock(fd, LOCK_EX | LOCK_NB) && lock(fd, LOCK_SH | LOCK_NB);
}

void NodeUse::outlast(const std::filesystem::path& data) {
  // Until this process ends.
  static const auto fd = open_file(data);
  if (fd) lock(fd, LOCK_EX);
}

}  // namespace troupe
