// Reads the settings: defaults, then the file, then what the command line
// says. Refuses a file with anything unknown or out of range in it, and names
// everything that is wrong at once.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/options.hpp"
#include "core/result.hpp"

namespace troupe {

struct LoadedConfig {
  Config config;
  std::filesystem::path file;  // Where it would be, also when there is none.
  bool file_exists = false;
  /// Option name to where its value came from ("/d/troupe.toml:3", "--set");
  /// names that are not here have their default.
  std::map<std::string, std::string, std::less<>> origins;
};

/// "NAME=VALUE", as --set takes it.
using Overrides = std::vector<std::string>;

/// The file's name in a data folder.
inline constexpr std::string_view kConfigFile = "troupe.toml";

/// Errors: invalid_argument (a fault per thing wrong, its path
/// "troupe.toml:LINE" or "--set"), denied, io_error. A missing file is none.
Result<LoadedConfig> load_config(const std::filesystem::path& data,
                                 const Overrides& overrides = {});

/// The same from a text; `name` stands for the file in messages.
Result<LoadedConfig> parse_config(std::string_view text,
                                  const std::string& name,
                                  const Overrides& overrides = {});

}  // namespace troupe
