#include "apps/local_files.hpp"

#include <unistd.h>

#include "platform/file.hpp"

namespace troupe {

namespace fs = std::filesystem;

std::string file_fault(const fs::path& path, std::uint64_t most_bytes) {
  const auto name = "'" + path.string() + "'";
  std::error_code error;
  const auto status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found)
    return name + " does not exist";
  if (error) return name + ": " + error.message();
  if (fs::is_directory(status)) return name + " is a folder; name its files";
  if (!fs::is_regular_file(status)) return name + " is no regular file";
  if (::access(path.c_str(), R_OK) != 0) return name + " cannot be read";
  const auto bytes = fs::file_size(path, error);
  if (!error && bytes > most_bytes)
    return name + " has " + std::to_string(bytes) + " bytes; at most " +
           std::to_string(most_bytes) + " are allowed";
  return {};
}

std::string target_fault(const fs::path& path) {
  const auto name = "'" + path.string() + "'";
  std::error_code error;
  const auto status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) return {};
  if (error == std::errc::too_many_symbolic_link_levels)
    return platform::link_circle(path);
  if (error) return name + ": " + error.message();
  if (fs::is_directory(status)) return name + " is a folder; name a file";
  return {};
}

std::string folder_fault(const fs::path& path) {
  const auto name = "'" + path.string() + "'";
  std::error_code error;
  const auto status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found)
    return "the folder " + name + " does not exist; make it: mkdir -p " + name;
  if (error) return name + ": " + error.message();
  return fs::is_directory(status) ? "" : name + " is no folder";
}

Status make_named_folder(const fs::path& path, bool for_owner) {
  if (path.empty()) return ok();
  auto made = platform::make_dirs(path, for_owner ? 0700 : 0777);
  if (made) {
    std::error_code ignored;
    if (!fs::is_directory(path, ignored))
      return Error{Errc::invalid_argument, path.string() + " is no folder"};
    if (!for_owner) return ok();
    const auto held = platform::check_private(path, "folder");
    if (held) return ok();
    return Error{Errc::invalid_argument, held.error().message};
  }
  switch (made.error().code) {
    case Errc::disk_full:
    case Errc::read_only:
      return made;
    default:
      return Error{Errc::invalid_argument, made.error().message};
  }
}

}  // namespace troupe
