#include "models/model_places.hpp"

#include <algorithm>
#include <system_error>
#include <tuple>

#include "core/nearest.hpp"

namespace troupe {
namespace {

namespace fs = std::filesystem;

/// A link that leads nowhere is there, too: it is told of, not passed over.
bool is_here(const fs::path& folder) {
  std::error_code failed;
  return fs::exists(fs::symlink_status(folder, failed));
}

bool is_folder(const fs::path& folder) {
  std::error_code failed;
  return fs::is_directory(folder, failed);
}

std::string joined(const std::vector<fs::path>& folders) {
  std::string text;
  for (const auto& folder : folders)
    text += (text.empty() ? "" : " or ") + folder.string();
  return text;
}

Error unknown(const ModelPlaces& places, const std::string& name) {
  std::vector<std::string> known;
  for (auto& model : list_models(places))
    if (!model.hidden) known.push_back(std::move(model.name));
  auto text = "there is no model '" + name + "' in " + joined(places.folders);
  if (known.empty())
    text += ", nor any other; to bring one: troupe models add FOLDER";
  else
    text += known_names(name, known);
  return {Errc::not_found, text + "; a folder elsewhere is named by its path"};
}

Error leads_nowhere(const fs::path& link) {
  std::error_code failed;
  return {Errc::not_found,
          link.string() + " is a link to " +
              fs::read_symlink(link, failed).string() +
              ", where no folder is: bring that back, or type: troupe models "
              "remove " +
              link.filename().string()};
}

}  // namespace

bool is_model_name(std::string_view name) {
  return !name.empty() && !name.starts_with('.') &&
         name.find('/') == name.npos && name.find('\0') == name.npos;
}

Result<fs::path> model_folder(const ModelPlaces& places,
                              const std::string& name) {
  if (fs::path path{name}; path.is_absolute()) return path;
  if (!is_model_name(name))
    return Error{Errc::invalid_argument,
                 "'" + name.substr(0, 256) +
                     "' is no model: give the name of a folder in " +
                     joined(places.folders) +
                     ", or the whole path of one elsewhere"};
  for (const auto& place : places.folders)
    if (is_here(place / name)) return place / name;
  return places.folders.empty() ? fs::path{name}
                                : places.folders.front() / name;
}

Result<fs::path> find_model(const ModelPlaces& places,
                            const std::string& name) {
  auto folder = model_folder(places, name);
  if (!folder || is_folder(*folder)) return folder;
  std::error_code failed;
  if (fs::is_symlink(*folder, failed)) return leads_nowhere(*folder);
  if (folder->string() == name || is_here(*folder))
    return Error{Errc::not_found,
                 "there is no folder " + folder->string() +
                     "; to see the models here: troupe models list"};
  return unknown(places, name);
}

std::vector<PlacedModel> list_models(const ModelPlaces& places) {
  std::vector<PlacedModel> found;
  for (std::size_t place = 0; place < places.folders.size(); ++place) {
    std::error_code failed;
    for (fs::directory_iterator at{places.folders[place], failed}, end;
         !failed && at != end; at.increment(failed)) {
      auto name = at->path().filename().string();
      std::error_code gone;
      if (!is_model_name(name) ||
          !(is_folder(at->path()) || fs::is_symlink(at->path(), gone)))
        continue;
      found.push_back({std::move(name), at->path(), place, false});
    }
  }
  std::ranges::sort(found, {}, [](const PlacedModel& model) {
    return std::tie(model.name, model.place);
  });
  for (std::size_t i = 1; i < found.size(); ++i)
    found[i].hidden = found[i].name == found[i - 1].name;
  return found;
}

}  // namespace troupe
