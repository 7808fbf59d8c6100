// A line of the console as words, the way a shell would split it, but without
// anything a shell would do with them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace troupe {

/// Spaces separate; '…' and "…" keep them; a backslash keeps the next
/// character outside '…'. Errors: invalid_argument (a quote is not closed).
Result<std::vector<std::string>> split_words(std::string_view line);

}  // namespace troupe
