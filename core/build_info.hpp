// Which build this is: its version and the commit it was made from.
#pragma once

#include <string_view>

namespace troupe {

// As in "0.1.0".
[[nodiscard]] std::string_view build_version();

// Twelve hexadecimal digits, or "unknown" for a build outside a repository.
[[nodiscard]] std::string_view build_commit();

}  // namespace troupe
