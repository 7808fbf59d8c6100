// Keys that stand twice in one object of a JSON text: readers keep the last
// one and say nothing, so that what a person writes is looked through first.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace troupe {

/// The paths ("params.argv", "inputs[1].name") of keys that stand twice, each
/// once, at most 64; none in a text that is no JSON.
std::vector<std::string> repeated_keys(std::string_view text);

/// The same as faults, each path behind `prefix`.
std::vector<Fault> repeated_key_faults(std::string_view text,
                                       const std::string& prefix = {});

}  // namespace troupe
