// JSON of files that others wrote: a tree whose members are sorted, for
// objects of any size. Refuses what parse_json lets pass: a member that is
// there twice.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "core/result.hpp"

namespace troupe {

using UniqueJson = nlohmann::json;

/// Errors: invalid_argument: no JSON, at which byte; nested deeper than
/// kMaxJsonDepth; a member twice, by name.
Result<UniqueJson> parse_unique_json(std::string_view text);

}  // namespace troupe
