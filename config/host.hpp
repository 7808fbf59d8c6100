// What may stand where an address is asked for: an IP address or a host name,
// never a port. Asks no name server.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace troupe {

/// IPv4 in four parts, IPv6 without brackets, or a host name (at most 253
/// letters, digits, '-', '_' and '.'). What looks like an IPv4 address must be
/// one.
bool is_host(std::string_view text);

struct HostAndPort {
  std::string_view host, port;  // Parts of the text; the port has digits only.
};

/// Where `text` is a host and a port, as in "localhost:99".
std::optional<HostAndPort> split_port(std::string_view text);

/// What is wrong with `text` and what to type instead; empty: nothing.
std::string host_fault(std::string_view text);

}  // namespace troupe
