// What to say where a file that every model has is not in its folder, or is
// broken.
#pragma once

#include <filesystem>
#include <string>

#include "core/result.hpp"

namespace troupe {

/// `why` is what opening `file` gave. A file that is not there is told with
/// what a model's folder has and what to type; all else as it is.
Error missing_model_file(const std::filesystem::path& file, Error why);

/// "; fetch it again from where the model came from, ...": what to do about a
/// file of a model that is broken.
std::string fetch_again(const std::filesystem::path& file);

/// "...: a model's folder has ...; the models here: troupe models list".
std::string what_a_model_has();

}  // namespace troupe
