#include "apps/model_names.hpp"

#include <system_error>

namespace troupe {
namespace fs = std::filesystem;

ModelPlaces model_places(const fs::path& data) {
  ModelPlaces places{{data / "models"}};
  std::error_code failed;
  const auto program = fs::read_symlink("/proc/self/exe", failed);
  if (!failed)
    places.folders.push_back(program.parent_path().parent_path() / "share" /
                             "troupe" / "models");
  return places;
}

Result<fs::path> named_model(const ModelPlaces& places,
                             const std::string& model) {
  const bool is_path = model.find('/') != model.npos;
  auto found = find_model(
      places,
      is_path ? fs::absolute(model).lexically_normal().string() : model);
  if (found) return found;
  auto text = found.error().message;
  std::error_code failed;
  if (!is_path && !model.empty() && fs::is_directory(model, failed))
    text += "; the folder here is ./" + model;
  return Error{Errc::invalid_argument, text};
}

}  // namespace troupe
