// Where this program looks for models, and what it says of one that is not
// there.
#pragma once

#include <filesystem>
#include <string>

#include "models/model_places.hpp"

namespace troupe {

/// Those of the data folder, then those that come with the program: in
/// ../share/troupe/models, seen from the folder of its executable.
ModelPlaces model_places(const std::filesystem::path& data);

/// The folder of `model`: a name, or a path, which may begin here. Errors:
/// those of find_model(), as invalid_argument: what the user typed is wrong.
Result<std::filesystem::path> named_model(const ModelPlaces& places,
                                          const std::string& model);

}  // namespace troupe
