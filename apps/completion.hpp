// What the console offers to complete a word with. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/kind.hpp"

namespace troupe {

/// Candidates for the last word of `before` (what stands before the cursor):
/// commands, their subcommands and options, kinds, and job ids seen lately.
std::vector<std::string> completions(std::string_view before,
                                     const Kinds& kinds,
                                     const std::vector<std::string>& ids);

}  // namespace troupe
