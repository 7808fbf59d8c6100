// Which folder holds a node's data: what the command line says, else
// TROUPE_DATA, else the XDG base directory specification's place.
#pragma once

#include <filesystem>
#include <string>

#include "core/result.hpp"

namespace troupe {

/// What the environment says; empty: not set.
struct DataEnvironment {
  std::string troupe_data;
  std::string xdg_data_home;
  std::string home;
};
DataEnvironment data_environment();

struct DataFolder {
  std::filesystem::path path;  // Absolute. Need not exist.
  std::string origin;          // "--data", "TROUPE_DATA", ...
};

/// `flag` empty: not given. Errors: invalid_argument (none of them is set).
Result<DataFolder> find_data_folder(const std::string& flag,
                                    const DataEnvironment& environment);

}  // namespace troupe
