// Why a port of another machine cannot be reached, in words for people. Sends
// nothing and keeps nothing open.
#pragma once

#include <cstdint>
#include <string>

#include "core/result.hpp"

namespace troupe::platform {

/// Ok when a connection to this address (a name or a number) and port could be
/// made now. Blocks as long as looking up the name takes, and `timeout_ms` at
/// most. The text is the reason alone. Errors: not_found (no such name),
/// timeout, unavailable (refused, no way there, or the name cannot be looked up
/// now), io_error.
Status can_connect(const std::string& host, std::uint16_t port,
                   std::int64_t timeout_ms);

}  // namespace troupe::platform
