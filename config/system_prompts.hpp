// What a model is told that turns a short prompt into a full one: the
// catalog's texts, by what the prompt is for and what sort of model writes it.
#pragma once

#include <optional>
#include <string_view>

namespace troupe {

/// `target`: sdxl, wan. `style`: instruct, base. Nothing for others.
std::optional<std::string_view> enhance_system_prompt(std::string_view target,
                                                      std::string_view style);

}  // namespace troupe
