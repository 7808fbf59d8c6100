// Whether a folder takes files, found out by writing one: what a file system
// says of itself is not always what it does.
#pragma once

#include <filesystem>

#include "core/result.hpp"

namespace troupe::platform {

/// Writes a small file to `dir`, syncs it and removes it again. What a killed
/// caller leaves is swept as any temporary is (leftovers.hpp). Errors: those of
/// the file system, with the file's name.
Status try_to_write(const std::filesystem::path& dir);

}  // namespace troupe::platform
