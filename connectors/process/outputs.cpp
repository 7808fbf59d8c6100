#include "connectors/process/outputs.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <map>

#include "kinds/process_run.hpp"

namespace troupe {

namespace {

namespace fs = std::filesystem;
using Parts = std::vector<std::string>;

Parts split(std::string_view path) {
  Parts parts;
  for (;;) {
    const auto end = path.find('/');
    parts.emplace_back(path.substr(0, end));
    if (end == std::string_view::npos) return parts;
    path.remove_prefix(end + 1);
  }
}

// Row by row over the pattern's parts: reach[n] tells whether what was read
// matches the first n parts of the name. No recursion, so that many "**" cost
// no more than parts times parts.
bool matches_parts(const Parts& pattern, const Parts& name) {
  std::vector<bool> reach(name.size() + 1, false);
  reach[0] = true;
  for (const auto& part : pattern) {
    std::vector<bool> next(name.size() + 1, false);
    if (part == "**") {
      bool any = false;
      for (std::size_t n = 0; n <= name.size(); ++n) {
        // A folder whose name begins with a dot must be named.
        if (n > 0 && name[n - 1].starts_with('.')) any = false;
        any = any || reach[n];
        next[n] = any;
      }
    } else {
      for (std::size_t n = 0; n < name.size(); ++n)
        next[n + 1] = reach[n] &&
                      ::fnmatch(part.c_str(), name[n].c_str(), FNM_PERIOD) == 0;
    }
    reach = std::move(next);
  }
  return reach[name.size()];
}

Error denied(const std::string& name, const char* why) {
  return {Errc::denied, "the output " + name + " is " + why +
                            "; outputs are regular files in the scratch "
                            "folder"};
}

// A link anywhere on the way could lead out of the folder.
Result<bool> plain_file_exists(const fs::path& scratch,
                               const std::string& name) {
  auto path = scratch;
  const auto parts = split(name);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    path /= parts[i];
    std::error_code failed;
    const auto status = fs::symlink_status(path, failed);
    if (status.type() == fs::file_type::not_found) return false;
    if (fs::is_symlink(status)) return denied(name, "behind a symbolic link");
    const bool last = i + 1 == parts.size();
    if (last && !fs::is_regular_file(status))
      return denied(name, "not a regular file");
  }
  return true;
}

Status add_matches(const fs::path& scratch, const Parts& pattern,
                   const std::set<std::string>& inputs,
                   std::map<std::string, fs::path>& found) {
  std::error_code failed;
  fs::recursive_directory_iterator it{
      scratch, fs::directory_options::skip_permission_denied, failed};
  for (; !failed && it != fs::recursive_directory_iterator{};
       it.increment(failed)) {
    const auto status = it->symlink_status(failed);
    if (failed || !fs::is_regular_file(status)) continue;
    const auto name = it->path().lexically_relative(scratch).generic_string();
    if (inputs.contains(name) || !matches_parts(pattern, split(name))) continue;
    found.emplace(name, it->path());
    if (found.size() > kMaxOutputFiles) return ok();
  }
  if (failed)
    return Error{Errc::io_error,
                 "read the scratch folder: " + failed.message()};
  return ok();
}

}  // namespace

bool matches_pattern(std::string_view pattern, std::string_view name) {
  return matches_parts(split(pattern), split(name));
}

bool is_plain_name(std::string_view pattern) {
  return pattern.find_first_of("*?[\\") == std::string_view::npos;
}

bool is_inside(std::string_view name) {
  if (name.empty() || name.find('\0') != std::string_view::npos) return false;
  const auto parts = split(name);
  return std::none_of(parts.begin(), parts.end(), [](const std::string& part) {
    return part.empty() || part == "." || part == "..";
  });
}

Result<std::vector<OutputFile>> find_outputs(
    const fs::path& scratch, const std::vector<std::string>& patterns,
    const std::set<std::string>& inputs) {
  std::map<std::string, fs::path> found;
  std::string missing;
  for (const auto& pattern : patterns) {
    if (!is_inside(pattern))
      return denied(pattern, "outside the scratch folder");
    if (!is_plain_name(pattern)) {
      auto added = add_matches(scratch, split(pattern), inputs, found);
      if (!added) return added.error();
      continue;
    }
    auto there = plain_file_exists(scratch, pattern);
    if (!there) return there.error();
    if (*there)
      found.emplace(pattern, scratch / pattern);
    else
      missing += (missing.empty() ? "" : ", ") + pattern;
  }
  if (!missing.empty())
    return Error{Errc::not_found,
                 "the command ended well but did not write " + missing};
  if (found.size() > kMaxOutputFiles)
    return Error{Errc::too_large, "the outputs name over " +
                                      std::to_string(kMaxOutputFiles) +
                                      " files; pack them into one"};
  for (const auto& [name, path] : found)
    if (is_log_name(name))
      return Error{Errc::denied, "the output '" + name +
                                     "' has the name of the job's own logs; "
                                     "choose another"};
  std::vector<OutputFile> files;
  for (auto& [name, path] : found) files.push_back({name, path});
  return files;
}

std::string media_type_of(std::string_view name) {
  static constexpr std::pair<std::string_view, std::string_view> kTypes[] = {
      {"mp4", "video/mp4"},
      {"webm", "video/webm"},
      {"mkv", "video/x-matroska"},
      {"mov", "video/quicktime"},
      {"gif", "image/gif"},
      {"png", "image/png"},
      {"jpg", "image/jpeg"},
      {"jpeg", "image/jpeg"},
      {"webp", "image/webp"},
      {"wav", "audio/wav"},
      {"mp3", "audio/mpeg"},
      {"flac", "audio/flac"},
      {"ogg", "audio/ogg"},
      {"json", "application/json"},
      {"txt", "text/plain"},
      {"log", "text/plain"},
      {"csv", "text/csv"},
      {"zip", "application/zip"},
      {"safetensors", "application/vnd.safetensors"}};
  const auto dot = name.rfind('.');
  const auto ending =
      dot == std::string_view::npos ? std::string_view{} : name.substr(dot + 1);
  for (const auto& [known, type] : kTypes)
    if (known == ending) return std::string{type};
  return "application/octet-stream";
}

}  // namespace troupe
