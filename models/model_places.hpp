// Where models are found by their names. The head, the devices and the command
// line hold the same value, so a name means one folder to all of them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/result.hpp"

namespace troupe {

/// Folders with a model in each folder beneath. The first that has a name
/// decides what it means: people's own stand before those that come with the
/// program.
struct ModelPlaces {
  std::vector<std::filesystem::path> folders;
};

/// A folder's name that can be a model's: no path, none that begins with '.'.
bool is_model_name(std::string_view name);

/// The folder of a model: of that name in the first place that has it, else in
/// the first place of all (then it is not there); or one by its whole path.
/// Errors: invalid_argument: no name, or one that leads elsewhere.
Result<std::filesystem::path> model_folder(const ModelPlaces& places,
                                           const std::string& name);

/// The same for a folder that is there. Errors: not_found, with the names that
/// are known and the nearest; a link that leads nowhere is named.
Result<std::filesystem::path> find_model(const ModelPlaces& places,
                                         const std::string& name);

struct PlacedModel {
  std::string name;
  std::filesystem::path folder;
  std::size_t place = 0;  // Of ModelPlaces::folders.
  bool hidden = false;    // An earlier place has the name, too.
};

/// All that a place has, broken ones too, in the order of names; of one name
/// in the order of places. A place that cannot be read has none.
std::vector<PlacedModel> list_models(const ModelPlaces& places);

}  // namespace troupe
