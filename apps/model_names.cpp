#include "apps/model_names.hpp"

#include <algorithm>
#include <system_error>

#include "core/nearest.hpp"

namespace troupe {
namespace fs = std::filesystem;

std::vector<std::string> model_names(const fs::path& models) {
  std::vector<std::string> names;
  std::error_code failed;
  for (auto at = fs::directory_iterator{models, failed};
       !failed && at != fs::directory_iterator{}; at.increment(failed)) {
    std::error_code gone;
    if (fs::exists(at->path() / "config.json", gone))
      names.push_back(at->path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

std::string model_fault(const fs::path& models, const std::string& model) {
  std::error_code failed;
  const bool is_path = model.find('/') != std::string::npos;
  if (!model.empty() &&
      fs::is_directory(is_path ? fs::path{model} : models / model, failed))
    return {};
  if (is_path) return "there is no folder " + model;
  const auto names = model_names(models);
  auto text = "there is no model '" + model + "' in " + models.string();
  if (names.empty())
    text += ", nor any other; put a model's folder there";
  else
    text += known_names(model, names);
  if (!model.empty() && fs::is_directory(model, failed))
    return text + "; the folder here is ./" + model;
  return text + "; a folder elsewhere is named by its path";
}

}  // namespace troupe
