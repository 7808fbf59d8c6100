// Files that others name: opened only where they are plain files. A FIFO would
// hold its reader until somebody writes to it, a device might never end.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "core/result.hpp"
#include "platform/fd.hpp"

namespace troupe::platform {

/// Waits for nobody. Errors: those of errno_error(); unsupported: it is a
/// folder, a FIFO, a device or a socket.
Result<Fd> open_regular(const std::filesystem::path& path);

/// The whole file. Errors: also too_large when it holds over `limit_bytes`.
Result<std::string> read_regular(const std::filesystem::path& path,
                                 std::uint64_t limit_bytes = 64u << 20);

}  // namespace troupe::platform
