// The JSON header of a safetensors file, read as events: no tree of a hostile
// header is ever built. Knows the header's grammar, not the file around it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "models/weights/safetensors.hpp"

namespace troupe {

/// As the header has them; offsets count from the header's end, and begin <=
/// end. Errors: corrupt, unsupported.
Result<std::vector<StoredTensor>> read_safetensors_json(std::string_view header,
                                                        std::string_view file);

/// 'name' for a message: cut after 80 bytes, control characters as '?'.
std::string quoted_name(std::string_view name);

}  // namespace troupe
