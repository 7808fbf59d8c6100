// Results that are too long for a message: kept as a file of their job, of
// which the record holds the short members.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "actors/executor.hpp"

namespace troupe::cluster {

inline constexpr std::size_t kMaxResultBytes = 32 * 1024;  // In the record.
inline constexpr std::size_t kMaxMemberBytes = 256;  // Kept of a long one.
inline constexpr std::string_view kResultFile = "result.json";

/// What stays of a long one: the members of at most kMaxMemberBytes, and
/// {"whole":"result.json"}.
std::string shortened_result(const std::string& result);

/// Where `end` has a long result: makes a file of it, by way of `scratch`. An
/// end whose file cannot be kept becomes a failure that says so.
void keep_long_result(JobEnd& end, ArtifactAccess& files,
                      const std::filesystem::path& scratch);

}  // namespace troupe::cluster
