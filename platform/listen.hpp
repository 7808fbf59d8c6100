// What this machine is called, and whether a port can be opened before a
// program is built around it. Keeps nothing open.
#pragma once

#include <cstdint>
#include <string>

#include "core/result.hpp"

namespace troupe::platform {

/// Ok when this process could listen on this address (a name or a number) and
/// port now. Port 0: any free one. The text is the system's reason alone.
/// Errors: unavailable (the port is taken), denied (not allowed to this user),
/// invalid_argument (no such name, or not an address of this machine),
/// io_error.
Status can_listen(const std::string& host, std::uint16_t port);

/// "node" where it has none.
std::string host_name();

}  // namespace troupe::platform
