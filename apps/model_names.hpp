// Which models the data folder has, for people who mistype one.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace troupe {

/// The names of the models in the folder `models`, in order.
std::vector<std::string> model_names(const std::filesystem::path& models);

/// Why there is no `model`, a name in `models` or a folder by its path, with
/// the nearest names; empty: there is such a folder.
std::string model_fault(const std::filesystem::path& models,
                        const std::string& model);

}  // namespace troupe
