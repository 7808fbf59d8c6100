#include "platform/listen.hpp"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "platform/fd.hpp"

namespace troupe::platform {
namespace {

Errc code_of(int error) {
  switch (error) {
    case EADDRINUSE:
      return Errc::unavailable;
    case EACCES:
    case EPERM:
      return Errc::denied;
    case EADDRNOTAVAIL:
      return Errc::invalid_argument;
    default:
      return Errc::io_error;
  }
}

}  // namespace

Status can_listen(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const int failed =
      ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (failed != 0) return Error{Errc::invalid_argument, ::gai_strerror(failed)};
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner{found,
                                                             ::freeaddrinfo};
  const Fd fd{::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  // As the real one: a port whose last connections are fading is free.
  const int yes = 1;
  if (fd &&
      ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
      ::bind(fd.get(), found->ai_addr, found->ai_addrlen) == 0 &&
      ::listen(fd.get(), 1) == 0)
    return ok();
  const int error = errno;
  return Error{code_of(error), std::strerror(error)};
}

std::string host_name() {
  char name[256] = "";
  if (::gethostname(name, sizeof name - 1) != 0 || !*name) return "node";
  return name;
}

}  // namespace troupe::platform
