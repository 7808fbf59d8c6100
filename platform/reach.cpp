#include "platform/reach.hpp"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "core/clock.hpp"
#include "platform/fd.hpp"

namespace troupe::platform {
namespace {

Error reason(int error, std::int64_t timeout_ms) {
  switch (error) {
    case ECONNREFUSED:
      return {Errc::unavailable,
              "the connection was refused: nothing listens there"};
    case ETIMEDOUT:
      return {Errc::timeout,
              "nothing came back within " + std::to_string(timeout_ms) + " ms"};
    case ENETUNREACH:
    case EHOSTUNREACH:
      return {Errc::unavailable, "no network leads there"};
    default:
      return {Errc::io_error, std::strerror(error)};
  }
}

Error no_name(int failed) {
  if (failed == EAI_AGAIN) return {Errc::unavailable, "no name server answers"};
  return {Errc::not_found, "that name is not known"};
}

/// 0, or why not.
int connect_to(const addrinfo& to, SteadyMs deadline) {
  const Fd fd{
      ::socket(to.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!fd) return errno;
  if (::connect(fd.get(), to.ai_addr, to.ai_addrlen) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  for (;;) {
    const auto left = deadline - system_steady_clock().now();
    if (left <= 0) return ETIMEDOUT;
    pollfd wait{fd.get(), POLLOUT, 0};
    const int ready = ::poll(&wait, 1, static_cast<int>(left));
    if (ready < 0 && errno != EINTR) return errno;
    if (ready <= 0) continue;
    int error = 0;
    socklen_t bytes = sizeof error;
    ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &bytes);
    return error;
  }
}

}  // namespace

Status can_connect(const std::string& host, std::uint16_t port,
                   std::int64_t timeout_ms) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failed =
      ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (failed != 0) return no_name(failed);
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner{found,
                                                             ::freeaddrinfo};
  const auto deadline = system_steady_clock().now() + timeout_ms;
  int error = ETIMEDOUT;
  for (const auto* at = found; at; at = at->ai_next) {
    error = connect_to(*at, deadline);
    if (error == 0) return ok();
  }
  return reason(error, timeout_ms);
}

}  // namespace troupe::platform
