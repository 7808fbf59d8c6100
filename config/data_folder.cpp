#include "config/data_folder.hpp"

#include <cstdlib>

namespace troupe {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

DataFolder absolute(const std::filesystem::path& path, std::string origin) {
  std::error_code error;
  auto full = std::filesystem::absolute(path, error);
  return {(error ? path : full).lexically_normal(), std::move(origin)};
}

}  // namespace

DataEnvironment data_environment() {
  return {variable("TROUPE_DATA"), variable("XDG_DATA_HOME"), variable("HOME")};
}

Result<DataFolder> find_data_folder(const std::string& flag,
                                    const DataEnvironment& environment) {
  if (!flag.empty()) return absolute(flag, "--data");
  if (!environment.troupe_data.empty())
    return absolute(environment.troupe_data, "TROUPE_DATA");
  // The specification: a relative XDG_DATA_HOME is to be ignored.
  if (environment.xdg_data_home.starts_with('/'))
    return absolute(environment.xdg_data_home + "/troupe", "XDG_DATA_HOME");
  if (!environment.home.empty())
    return absolute(environment.home + "/.local/share/troupe", "HOME");
  return Error{Errc::invalid_argument,
               "no data folder: neither TROUPE_DATA nor HOME is set; say "
               "where it is with --data DIR"};
}

}  // namespace troupe
