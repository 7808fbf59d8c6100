// How much memory this process may use: the machine's, or less where a
// control group says so.
#pragma once

#include <cstdint>
#include <filesystem>

#include "core/result.hpp"

namespace troupe::platform {

/// The least of the machine's RAM and the limits of this process's control
/// groups (versions 1 and 2) and their ancestors. `root` is where /proc and
/// /sys are found. Errors: io_error, corrupt (no MemTotal).
Result<std::uint64_t> memory_capacity_bytes(
    const std::filesystem::path& root = "/");

}  // namespace troupe::platform
