// Files and folders of this machine that the command line names. What is wrong
// with them is misuse: it is found before a node is asked.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "core/result.hpp"

namespace troupe {

/// Why `path` cannot be sent to a node that takes so much of it; empty: it can.
std::string file_fault(const std::filesystem::path& path,
                       std::uint64_t most_bytes = UINT64_MAX);

/// Why no file can be put where `path` is, as far as that can be told before;
/// empty: it can.
std::string target_fault(const std::filesystem::path& path);

/// Why no file can be put into the folder `path`, and what to type where it is
/// not there; empty: it can.
std::string folder_fault(const std::filesystem::path& path);

/// Makes the folder that `path` names, as the umask allows it or only for its
/// owner. Errors: invalid_argument where such a folder cannot be, or is there
/// already and, meant for its owner, open to others; those of the disk else.
Status make_named_folder(const std::filesystem::path& path,
                         bool for_owner = false);

}  // namespace troupe
