// What a killed process leaves of a file it was writing: the temporaries of
// AtomicFile, by their names, and their removal.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace troupe::platform {

/// A temporary's name is a number between these.
inline constexpr std::string_view kTemporaryPrefix = "new-";
inline constexpr std::string_view kTemporarySuffix = ".tmp";

/// Removes from `dir` the temporaries last written over `older_than_ms` ago
/// that no living process holds (AtomicFile locks its own), and returns how
/// many. Touches nothing else; a folder that is not there or cannot be read
/// has none.
std::size_t remove_leftovers(const std::filesystem::path& dir,
                             std::int64_t older_than_ms = 3'600'000);

}  // namespace troupe::platform
