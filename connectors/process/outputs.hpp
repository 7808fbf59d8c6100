// Which files of a scratch folder a job wants kept. Follows no symbolic link
// and leaves the folder by no path.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace troupe {

/// JobEnd travels as one message, so an attempt has only so many artifacts.
inline constexpr std::size_t kMaxOutputFiles = 256;

struct OutputFile {
  std::string name;  // Relative to the scratch folder, with "/".
  std::filesystem::path path;
};

/// "*" and "?" stay within a part, "**" as a part stands for any number of
/// parts, "[a-z]" is a set; a leading dot must be named.
bool matches_pattern(std::string_view pattern, std::string_view name);

/// True for a pattern that matches only itself.
bool is_plain_name(std::string_view pattern);

/// Relative, without empty parts, "." and "..".
bool is_inside(std::string_view name);

/// The regular files that `patterns` name, each once, ordered by name.
/// Patterns do not match `inputs` and may match nothing; a plain name must be
/// there. Errors: not_found (lists the missing), denied (a plain name is a
/// symbolic link or no file), too_large (over kMaxOutputFiles), io_error.
Result<std::vector<OutputFile>> find_outputs(
    const std::filesystem::path& scratch,
    const std::vector<std::string>& patterns,
    const std::set<std::string>& inputs);

/// By its ending; "application/octet-stream" for what is not known.
std::string media_type_of(std::string_view name);

}  // namespace troupe
