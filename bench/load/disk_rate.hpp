// How fast the disk under a file reads it, with nothing of it in memory: what
// loading cannot beat.
#pragma once

#include <cstdint>
#include <filesystem>

namespace troupe::bench {

/// Throws std::runtime_error where the system keeps some of it in memory.
void make_cold(const std::filesystem::path& file);

/// Bytes a second; the best of several loops, each over the whole cold file:
/// through the system's cache and past it, one and several reads at a time.
/// Throws std::runtime_error where the file cannot be read.
double disk_rate(const std::filesystem::path& file);

}  // namespace troupe::bench
