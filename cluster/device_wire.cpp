#include "cluster/device_wire.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "platform/file.hpp"

namespace troupe::cluster {
namespace {

Status wait_readable(int fd, std::int64_t timeout_ms) {
  pollfd waiting{.fd = fd, .events = POLLIN, .revents = 0};
  const auto most = std::min<std::int64_t>(timeout_ms, 1 << 30);
  int got = 0;
  do {
    got = ::poll(&waiting, 1, static_cast<int>(most));
  } while (got < 0 && errno == EINTR);
  if (got > 0) return ok();
  if (got < 0) return platform::errno_error("wait for a device", errno);
  return Error{Errc::timeout, "nothing was heard of the device process for " +
                                  std::to_string(timeout_ms) + " ms"};
}

Status read_exactly(int fd, char* to, std::size_t bytes,
                    std::int64_t timeout_ms) {
  while (bytes > 0) {
    if (auto ready = wait_readable(fd, timeout_ms); !ready) return ready;
    const auto got = ::read(fd, to, bytes);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return platform::errno_error("read from a pipe", errno);
    if (got == 0)
      return Error{Errc::unavailable, "the other end of the pipe is closed"};
    to += got;
    bytes -= static_cast<std::size_t>(got);
  }
  return ok();
}

Error too_large(std::uint64_t bytes) {
  return {Errc::too_large,
          "a packet of " + std::to_string(bytes) + " bytes; at most " +
              std::to_string(kMaxPacketBytes) + " are allowed"};
}

}  // namespace

Status write_packet(int fd, std::string_view bytes) {
  if (bytes.size() > kMaxPacketBytes) return too_large(bytes.size());
  const auto size = static_cast<std::uint32_t>(bytes.size());
  std::string packet;
  packet.reserve(bytes.size() + 4);
  for (int shift = 0; shift < 32; shift += 8)
    packet.push_back(static_cast<char>(size >> shift & 0xFF));
  packet += bytes;
  return platform::write_all(fd, packet);
}

Result<std::string> read_packet(int fd, std::int64_t timeout_ms) {
  std::array<char, 4> head{};
  if (auto read = read_exactly(fd, head.data(), head.size(), timeout_ms); !read)
    return read.error();
  std::uint32_t size = 0;
  for (std::size_t i = 0; i < head.size(); ++i)
    size |= std::uint32_t{static_cast<unsigned char>(head[i])} << (8 * i);
  if (size > kMaxPacketBytes) return too_large(size);
  std::string bytes(size, '\0');
  if (auto read = read_exactly(fd, bytes.data(), size, timeout_ms); !read)
    return read.error();
  return bytes;
}

}  // namespace troupe::cluster
